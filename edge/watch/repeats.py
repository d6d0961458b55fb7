"""Pictures that were there before: a frozen camera, or a short film in its place. Noise never repeats."""

from __future__ import annotations

import zlib
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

REPEAT_PICTURES = 64
"""So far back a repetition is seen."""


class Repeats:
    """Pictures that were there before. run: how many in a row each repeat the one `distance` pictures back."""

    def __init__(self) -> None:
        self.run = self.distance = 0
        self._count = 0
        self._seen: OrderedDict[int, int] = OrderedDict()

    def see(self, luma: NDArray[np.uint8]) -> None:
        """Of every third row."""
        mark = zlib.crc32(luma[::3].tobytes())
        before = self._seen.pop(mark, None)
        self._seen[mark] = self._count
        if len(self._seen) > REPEAT_PICTURES:
            self._seen.popitem(last=False)
        distance = self._count - before if before is not None else 0
        self.run = self.run + 1 if distance and distance == self.distance else 1 if distance else 0
        self.distance = distance
        self._count += 1
