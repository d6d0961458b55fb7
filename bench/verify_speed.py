"""How fast is `edge verify`? Seconds of footage judged in one second of one core.

    python bench/verify_speed.py [--seconds 60]

1920x1080, 25 pictures/s, 4 Mbit/s, signed each second; as the ring's segment, as a clip, and as Matroska where ffmpeg is there. Slices of
the test pictures are padded to the bit rate, since flat pictures compress too well. Prints footage seconds a CPU second, in a process of
its own (imports counted) and inside it. Ends with 1 where any of them is below 20.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import msgspec

from edge.bmff.nal import is_slice, split
from edge.messages.stream import Packet
from tests.support.footage import write_segment
from tests.support.identities import Town, identity_of
from tests.support.signed import sign_span, with_nals, write_clip
from tests.support.video import NS_PER_S, encode

LEAST = 20.0
FPS, BITRATE = 25, 4_000_000
ENCODED = 50
_MEASURE = """
import json, sys, time
from pathlib import Path
from edge.seal.trust import read_roots
from edge.seal.verify import verify
begun = time.process_time()
found = verify(Path(sys.argv[1]), read_roots(Path(sys.argv[2])))
inside = time.process_time() - begun
print(json.dumps([found.verdict, found.frames.verified, inside, time.process_time()]))
"""


def film(seconds: int) -> list[Packet]:
    """Test pictures over and over, each padded with bytes of its own so that no two are alike."""
    encoded = encode("h264", ENCODED, width=1920, height=1080)
    target, step_ns = BITRATE // 8 // FPS, NS_PER_S // FPS
    packets = []
    for number in range(seconds * FPS):
        packet = encoded[number % ENCODED]
        nals = [bytes(nal) for nal in split(packet.data)]
        place = next(at for at, nal in enumerate(nals) if is_slice("h264", nal))
        size = max(16, target * (8 if packet.key else 1) * FPS // (FPS + 7) - len(packet.data))
        nals[place] += number.to_bytes(8, "big").replace(b"\0", b"\1") + b"\x5a" * size
        moved = msgspec.structs.replace(
            packet, dts_ns=number * step_ns, pts_ns=number * step_ns, boot_ns=packet.boot_ns - packet.dts_ns + number * step_ns
        )
        packets.append(with_nals(moved, nals))
    return packets


def measure(path: Path, trust: Path) -> tuple[str, int, float, float]:
    done = subprocess.run([sys.executable, "-c", _MEASURE, path, trust], capture_output=True, text=True, check=True)
    verdict, verified, inside_s, whole_s = json.loads(done.stdout)
    return verdict, verified, inside_s, whole_s


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=int, default=60)
    seconds = words.parse_args().seconds
    town = Town()
    signed = sign_span(film(seconds), identity_of(town, "pole-17"))
    worst = float("inf")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trust, segment = folder / "ca.pem", folder / "segment.mp4"
        trust.write_bytes(town.root)
        segment.write_bytes(write_segment(signed.packets).data)
        (folder / "clip.mp4").write_bytes(write_clip(signed.whole_gops(0, seconds - 1)))
        films = [segment, folder / "clip.mp4"]
        if shutil.which("ffmpeg"):
            films.append(folder / "remuxed.mkv")
            subprocess.run(["ffmpeg", "-v", "error", "-i", segment, "-c", "copy", films[-1]], check=True)
        for path in films:
            verdict, verified, inside_s, whole_s = measure(path, trust)
            rate = path.stat().st_size * 8 / seconds / 1e6
            worst = min(worst, seconds / whole_s)
            speed = f"{seconds / inside_s:.0f}x real time, {seconds / whole_s:.0f}x with the start"
            print(f"{path.name:<12} {rate:.1f} Mbit/s, {seconds} s: {verdict}, {verified} pictures; {speed}")
    return 0 if worst >= LEAST else 1


if __name__ == "__main__":
    raise SystemExit(main())
