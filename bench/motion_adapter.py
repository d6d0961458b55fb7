"""The product's detector as a plug-in of a motion bench: `factory(width, height, fps)` -> callable(luma) -> boxes.

The bench and its footage are not part of this repository. Run by itself with the bench's folder, this runs the bench on every view and
prints its table; without footage it says so and ends with 0:

    python bench/motion_adapter.py FOLDER [more of the bench's arguments]
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge.clock import NS_PER_S
from edge.watch.motion import Detector


def factory(width: int, height: int, fps: float) -> Callable[[NDArray[np.uint8]], list[tuple[float, float, float, float]]]:
    detector = Detector(width, height)
    seen = [0]

    def detect(luma: NDArray[np.uint8]) -> list[tuple[float, float, float, float]]:
        seen[0] += 1
        return list(detector.look(luma, round(seen[0] / fps * NS_PER_S)).boxes)

    return detect


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    bench = folder / "motion_bench.py"
    if not bench.is_file():
        print(f"skipped: no motion_bench.py in {folder.resolve()}; give the folder of the footage as the first argument")
        return 0
    plugin = f"{Path(__file__).resolve()}:factory=edge"
    command = [sys.executable, str(bench), "--footage", str(folder), "--plugin", plugin, *(sys.argv[2:] or ["run", "--det", "edge"])]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
