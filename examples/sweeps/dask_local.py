"""Runs a sweep with Dask on this machine (pip install distributed):  dask_local.py DIR [WORKERS]

With `Client("scheduler:8786")` in place of the local cluster it runs on other machines, if they see the same folder.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from dask.distributed import Client, LocalCluster, as_completed


def run(program: str, folder: str, index: int) -> str:
    """Runs one task; one that is done already is skipped. What is wrong is told in words, so that no task ends the others."""
    done = subprocess.run([program, "sweep", "task", folder, "--index", str(index), "--quiet"], stderr=subprocess.PIPE, text=True)
    return "" if done.returncode == 0 else done.stderr or f"task {index} has ended with code {done.returncode}\n"


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()
    program = os.environ.get("RATIOFLOW", "ratioflow")
    tasks = json.loads((folder / "tasks.json").read_text())
    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        futures = [client.submit(run, program, str(folder), task["index"], pure=False) for task in tasks]
        wrong = "".join(future.result() for future in as_completed(futures))
    if wrong:
        sys.exit(wrong)


if __name__ == "__main__":
    main()
