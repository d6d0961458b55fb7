"""A node's upload worker in a process of its own, to be killed: works off the open jobs under DATA, then says each last word and ends.

Run as a program: DATA URL. Its first line is "started".
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import msgspec

from edge.host.linux_disk import LinuxDisk
from edge.upload.http import Target
from edge.upload.jobs import JobStore
from edge.upload.run import run_job
from tests.support.clips import SegmentClips
from tests.support.delivery import quick
from tests.support.line_process import LineProcess


def job_process(data: Path, url: str) -> LineProcess:
    return LineProcess([sys.executable, "-m", "tests.support.job_process", str(data), url])


def main() -> None:
    data, url = Path(sys.argv[1]), sys.argv[2]
    print("started", flush=True)
    store = JobStore(LinuxDisk(), data / "jobs")
    for job in store.open_jobs():
        final = run_job(
            job,
            store,
            SegmentClips(),
            Target(url),
            quick(progress_timeout_s=1.0, patch_bytes=4 << 20),
            deadline_s=100.0,
            stop=threading.Event(),
            on_progress=lambda progress: None,
        )
        store.finish(job, final, lambda: None)
        print(msgspec.json.encode(final.progress).decode(), flush=True)


if __name__ == "__main__":
    main()
