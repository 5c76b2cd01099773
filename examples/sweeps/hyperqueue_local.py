"""Runs a sweep with HyperQueue on this machine (pip install hyperqueue):  hyperqueue_local.py DIR [CORES]"""

import json
import os
import sys
from pathlib import Path

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    cores = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()
    program = os.environ.get("RATIOFLOW", "ratioflow")
    tasks = json.loads((folder / "tasks.json").read_text())
    # Ten tasks a process: an engine need not start one for each.
    chunk = 10
    with LocalCluster() as cluster:
        cluster.start_worker(WorkerConfig(cores=cores))
        client = cluster.client()
        job = Job()
        for first in range(0, len(tasks), chunk):
            job.program([program, "sweep", "task", str(folder), "--index", str(first // chunk), "--chunk", str(chunk), "--quiet"])
        client.wait_for_jobs([client.submit(job)])


if __name__ == "__main__":
    main()
