"""Runs a sweep with Dask on this machine (pip install distributed):  dask_local.py DIR [WORKERS]

With `Client("scheduler:8786")` in place of the local cluster it runs on other machines, if they see the same folder.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from dask.distributed import Client, LocalCluster, as_completed


def run(program: str, folder: str, index: int) -> int:
    """Runs one task; a task that is done already is skipped."""
    subprocess.run([program, "sweep", "task", folder, "--index", str(index), "--quiet"], check=True)
    return index


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()
    program = os.environ.get("RATIOFLOW", "ratioflow")
    tasks = json.loads((folder / "tasks.json").read_text())
    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        futures = [client.submit(run, program, str(folder), task["index"], pure=False) for task in tasks]
        for future in as_completed(futures):
            future.result()


if __name__ == "__main__":
    main()
