"""What do masks cost a picture? CPU time of burning them in, against encoding the same picture.

    python bench/masks.py [--pictures 200]

1920x1080, planar and interleaved chroma; eight windows as towns mask them, and one slanted shape over half the picture. Ends with 1 where
masks cost more than a tenth of the encoder's time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import av
import numpy as np

from edge.capture.privacy import Masks
from edge.config.masks import Polygon

WIDTH, HEIGHT, FPS = 1920, 1080, 25
LARGEST_PART = 1 / 10
WINDOWS: list[Polygon] = [
    [(x, y), (x + 0.07, y + 0.01), (x + 0.07, y + 0.11), (x, y + 0.1)] for y in (0.1, 0.35) for x in (0.1, 0.3, 0.5, 0.7)
]
HALF: list[Polygon] = [[(0.0, 0.1), (0.98, 0.0), (0.4, 0.97)]]


def pictures(form: str, count: int) -> list[av.VideoFrame]:
    noise = np.random.default_rng(1).integers(0, 255, (HEIGHT * 3 // 2, WIDTH), np.uint8)
    return [av.VideoFrame.from_ndarray(np.roll(noise, number, axis=1), format=form) for number in range(count)]


def cost_s(frames: list[av.VideoFrame], work: Callable[[av.VideoFrame], object]) -> float:
    """CPU seconds of all threads for one picture."""
    work(frames[0])  # what is done once for a size
    begun = time.process_time()
    for frame in frames:
        work(frame)
    return (time.process_time() - begun) / len(frames)


def encoding_s(count: int) -> float:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = WIDTH, HEIGHT, "yuv420p", Fraction(1, FPS)
    encoder.bit_rate, encoder.options = 4_000_000, {"preset": "ultrafast", "tune": "zerolatency"}
    return cost_s(pictures("yuv420p", count), encoder.encode)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=200)
    count = parser.parse_args().pictures
    encoded_s = encoding_s(min(count, 50))
    found = {
        f"{form} {name}": cost_s(pictures(form, 8) * (count // 8), Masks(polygons).burn)
        for form in ("yuv420p", "nv12")
        for name, polygons in (("windows", WINDOWS), ("half", HALF))
    }
    print(json.dumps({"encoder_ms": round(encoded_s * 1e3, 2)} | {f"{name}_ms": round(each * 1e3, 3) for name, each in found.items()}))
    sys.exit(max(found.values()) > LARGEST_PART * encoded_s)


if __name__ == "__main__":
    main()
