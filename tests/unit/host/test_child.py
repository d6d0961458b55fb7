from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

from edge.host.child import kill_now
from tests.support.command import environment

CHILD = (
    "import sys, signal; from edge.host.child import die_with_parent; die_with_parent(int(sys.argv[1])); print(flush=True); signal.pause()"
)
PARENT = (
    "import os, subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE)\n"
    "child.stdout.read(1)\n"
    "print(child.pid, flush=True)\n"
    "os.kill(os.getpid(), 9)\n"
)


def gone(pid: int) -> bool:
    """No such process, or nothing left of it but its exit status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_child_goes_with_its_parent_however_that_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, env=environment()) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.wait()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], 30)
    os.close(descriptor)
    assert ended


def test_a_child_whose_parent_is_another_by_now_ends_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, "1"], env=environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == -9
    assert done.stdout == b""


def test_a_killed_child_takes_what_it_started_with_it() -> None:
    words = ["/bin/sh", "-c", "sleep 600 & echo $!; trap '' TERM; wait"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        assert kill_now(process)
        assert process.stdout.read() == b"", "the pipe is closed: nobody holds it any more"
    assert gone(grandchild)
    assert kill_now(process), "an ended one is fine"
