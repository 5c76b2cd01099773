"""Runs a sweep with Dask on this machine (pip install distributed):  dask_local.py DIR [WORKERS]

With `Client("scheduler:8786")` in place of the local cluster it runs on other machines, if they see the same folder.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

try:
    from dask.distributed import Client, LocalCluster, as_completed
except ImportError:
    sys.exit("distributed is not here: pip install distributed")


def run(program: str, folder: str, index: int) -> str:
    """Runs one task; one that is done already is skipped. What is wrong is told in words, so that no task ends the others."""
    done = subprocess.run([program, "sweep", "task", folder, "--index", str(index), "--quiet"], stderr=subprocess.PIPE, text=True)
    return "" if done.returncode == 0 else done.stderr or f"task {index} has ended with code {done.returncode}\n"


def main() -> None:
    if len(sys.argv) < 2 or not (Path(sys.argv[1]) / "tasks.json").is_file():
        sys.exit("which sweep? dask_local.py DIR: a folder that `ratioflow sweep plan` has written")
    folder = Path(sys.argv[1]).resolve()
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()
    program = shutil.which(os.environ.get("RATIOFLOW", "ratioflow"))
    if program is None:
        sys.exit("ratioflow is not here: put it on the path, or name it in RATIOFLOW")
    tasks = json.loads((folder / "tasks.json").read_text())
    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        futures = [client.submit(run, program, str(folder), task["index"], pure=False) for task in tasks]
        wrong = "".join(future.result() for future in as_completed(futures))
    if wrong:
        sys.exit(wrong)


if __name__ == "__main__":
    main()
