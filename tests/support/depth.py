"""How much of what can be tried for ever is tried: the usual run has to be over in minutes, `make soak` tries it all."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

FULL = "EDGE_TESTS_FULL" in os.environ


def usually(usual: T, full: T) -> T:
    """`full` in a full run."""
    return full if FULL else usual
