"""Bounded reads of the small texts under /sys and /proc. `None` means: not there, not readable, or not the kind expected."""

from __future__ import annotations

import math
import os
from pathlib import Path

MAX_BYTES = 16 * 1024


def read_text(path: Path) -> str | None:
    """At most 16 KiB, without surrounding blanks and NULs (device tree strings end in one). Does not wait on a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, MAX_BYTES).decode("utf-8", "replace").strip(" \t\r\n\0")
    except OSError:
        return None
    finally:
        os.close(descriptor)


def read_int(path: Path) -> int | None:
    """A decimal or 0x number."""
    text = read_text(path)
    if text is None:
        return None
    try:
        return int(text, 0)
    except ValueError:
        return None


def first_number(path: Path) -> float | None:
    """The first word as a number."""
    words = (read_text(path) or "").split()
    try:
        value = float(words[0]) if words else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None


def entries(folder: Path, pattern: str) -> list[Path]:
    """Sorted matches below a folder; empty where it is missing or closed to us."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []
