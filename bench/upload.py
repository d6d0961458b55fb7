"""What does a bad link cost an upload? 200 MB by tus to our receiver over a link that is cut every few seconds.

    python bench/upload.py [--megabytes 200] [--seconds 75] [--cut-every 5]

The sender is the node's own with its default settings, the receiver a process of its own; between them a proxy on loopback that limits the
rate, so that the transfer lasts about SECONDS, and resets every connection each time so many seconds have passed. Counted are the bytes
that the link carried (headers too) and those that the sender handed to its kernel, which is more: of what lies there at a cut, some never
left. Ends with 1 when either is above 1.05 times the file, when the copy differs, or when there were fewer cuts than there should be.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge.clock import monotonic_s
from edge.upload.send import Sent, Settings
from tests.support.clips import MemoryClip, noise
from tests.support.delivery import Delivery
from tests.support.proxy import Proxy
from tests.support.receiver_process import receiver_process

TWICE_MAX = 0.05
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Run:
    sent: Sent
    equal: bool
    link_bytes: int
    cuts: int
    seconds: float


def run(folder: Path, size: int, seconds: float, cut_every_s: float) -> Run:
    clip = MemoryClip(noise(size))
    process = receiver_process(folder)
    over, cuts = threading.Event(), 0
    try:
        with Proxy(int(process.first_line)) as proxy:
            proxy.bytes_per_s = size / seconds

            def cut() -> None:
                nonlocal cuts
                while not over.wait(cut_every_s):
                    proxy.drop_all()
                    cuts += 1

            cutter = threading.Thread(target=cut, name="cutter")
            began_s = monotonic_s()
            cutter.start()
            try:
                delivery = Delivery(f"http://127.0.0.1:{proxy.port}/files", clip, settings=Settings())
                sent = delivery.send(within_s=10 * seconds + 60)
            finally:
                over.set()
                cutter.join()
            link_bytes, lasted_s = proxy.up_bytes, monotonic_s() - began_s
    finally:
        process.kill()
    copy = folder / "pole-7" / "r-1" / "clip.mp4"
    equal = copy.exists() and hashlib.sha256(copy.read_bytes()).hexdigest() == clip.etag()
    return Run(sent, equal, link_bytes, cuts, lasted_s)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=75.0)
    parser.add_argument("--cut-every", type=float, default=5.0)
    wanted = parser.parse_args()
    size = round(wanted.megabytes * MEGABYTE)
    with tempfile.TemporaryDirectory() as folder:
        done = run(Path(folder), size, wanted.seconds, wanted.cut_every)
    progress = done.sent.progress
    carried, handed = done.link_bytes / size - 1, progress.sent_bytes / size - 1
    print(f"{size / MEGABYTE:.0f} MB in {done.seconds:.0f} s, cut {done.cuts} times, {progress.resumes} resumes: {done.sent.state}")
    print(f"more than the file: {carried:.2%} over the link, {handed:.2%} handed to the kernel (at most {TWICE_MAX:.0%})")
    faults = [
        text
        for holds, text in (
            (done.sent.state == "done", f"not done: {done.sent.code} {done.sent.text}"),
            (done.equal, "the receiver's copy is not the file"),
            (carried <= TWICE_MAX and handed <= TWICE_MAX, "too many bytes were sent twice"),
            (done.cuts >= wanted.seconds / wanted.cut_every - 1 and progress.resumes >= done.cuts // 2, "the link was hardly cut"),
        )
        if not holds
    ]
    for fault in faults:
        print(f"FAILED: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
