"""How much of what can be tried for ever is tried: the usual run has to be over in minutes, `make soak` tries it all."""

from __future__ import annotations

import os

FULL = "EDGE_TESTS_FULL" in os.environ


def usually(usual: int, full: int) -> int:
    """`full` in a full run."""
    return full if FULL else usual
