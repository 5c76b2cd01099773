"""Runs a sweep with HyperQueue on this machine (pip install hyperqueue):  hyperqueue_local.py DIR [CORES]"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

try:
    from hyperqueue import Job, LocalCluster
    from hyperqueue.client import FailedJobsException
    from hyperqueue.cluster import WorkerConfig
except ImportError:
    sys.exit("hyperqueue is not here: pip install hyperqueue")


def main() -> None:
    if len(sys.argv) < 2 or not (Path(sys.argv[1]) / "tasks.json").is_file():
        sys.exit("which sweep? hyperqueue_local.py DIR: a folder that `ratioflow sweep plan` has written")
    folder = Path(sys.argv[1]).resolve()
    cores = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()
    program = shutil.which(os.environ.get("RATIOFLOW", "ratioflow"))
    if program is None:
        sys.exit("ratioflow is not here: put it on the path, or name it in RATIOFLOW")
    tasks = json.loads((folder / "tasks.json").read_text())
    # Ten tasks a process: an engine need not start one for each.
    chunk = 10
    with tempfile.TemporaryDirectory() as own, LocalCluster(f"{own}/server") as cluster:
        cluster.start_worker(WorkerConfig(cores=cores))
        client = cluster.client()
        # Without a word HyperQueue ends all when one process fails, and leaves what each has said in a file where this was called.
        job = Job(max_fails=None)
        for number in range((len(tasks) + chunk - 1) // chunk):
            command = [program, "sweep", "task", str(folder), "--index", str(number), "--chunk", str(chunk), "--quiet"]
            job.program(command, stdout=os.devnull, stderr=f"{own}/{number}.stderr")
        try:
            client.wait_for_jobs([client.submit(job)])
        except FailedJobsException as failure:
            said = [file.read_text() for file in Path(own).glob("*.stderr")]
            sys.exit("".join(said) or str(failure))


if __name__ == "__main__":
    main()
