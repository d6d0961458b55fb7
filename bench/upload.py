"""How much is sent twice when the link is cut again and again?

    python bench/upload.py [--megabytes 200] [--mbit 24]

A file over a link of that rate whose every connection is reset each 5 s, to our receiver and, where Node.js is there, to @tus/server. Sent
twice is what the node counts above the file's size, or what came out of the link, whichever is more. Ends with 1 where it is above 5 %, the
copy is not the same, or the link was cut fewer than five times.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge.config.on_request import Upload
from edge.upload.send import Sent, settings_of
from tests.support.clips import MemoryClip, noise
from tests.support.delivery import Delivery
from tests.support.line_process import LineProcess
from tests.support.proxy import Proxy
from tests.support.receiver_process import receiver_process
from tests.support.tus_node import tus_node

TWICE_MAX = 0.05
CUT_EVERY_S = 5.0
LEAST_CUTS = 5


def deliver(server: LineProcess, clip: MemoryClip, mbit: float) -> tuple[Sent, Proxy, float]:
    stop = threading.Event()
    with Proxy(int(server.first_line)) as link:
        link.bytes_per_s = mbit * 1e6 / 8
        url = f"http://127.0.0.1:{link.port}/files"

        def cut() -> None:
            while not stop.wait(CUT_EVERY_S):
                link.drop_all()
                link.cuts += 1

        cutter = threading.Thread(target=cut)
        cutter.start()
        begun_s = time.monotonic()
        try:
            sent = Delivery(url, clip, settings=settings_of(Upload(url=url))).send(within_s=1800)
        finally:
            stop.set()
            cutter.join()
        return sent, link, time.monotonic() - begun_s


def copy_of(folder: Path, size: int) -> str:
    """SHA-256 of the one received file of that size."""
    (found,) = [each for each in folder.rglob("*") if each.is_file() and each.stat().st_size == size]
    with found.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if sys.version_info >= (3, 11) else hashlib.sha256(file.read()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--mbit", type=float, default=24.0)
    given = parser.parse_args()
    clip = MemoryClip(noise(given.megabytes * 1_000_000))
    servers: dict[str, Callable[[Path], LineProcess]] = {"our receiver": receiver_process}
    if shutil.which("node"):
        servers["@tus/server"] = tus_node
    failed = False
    for name, start in servers.items():
        with tempfile.TemporaryDirectory() as folder:
            server = start(Path(folder))
            try:
                sent, link, took_s = deliver(server, clip, given.mbit)
            finally:
                server.kill()
            size = clip.size
            twice = max(sent.progress.sent_bytes, link.up_bytes) / size - 1
            same = sent.state == "done" and copy_of(Path(folder), size) == clip.etag()
            held = same and twice <= TWICE_MAX and link.cuts >= LEAST_CUTS
            failed |= not held
            print(
                f"{name}: {size / 1e6:.0f} MB in {took_s:.1f} s, {link.cuts} cuts, {sent.progress.resumes} resumes, "
                f"{100 * twice:.2f} % twice (at most {100 * TWICE_MAX:.0f} %), copy {'the same' if same else 'DIFFERENT'}: "
                + ("ok" if held else "FAILED")
            )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
