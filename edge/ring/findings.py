"""What a check says, and how it lists folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.errors import NotFound
from edge.host.disk import Disk


@dataclass(frozen=True, slots=True)
class Finding:
    """invariant: its number in architecture.md. camera: "" where it concerns the whole node. text: for a person."""

    invariant: int
    camera: str
    text: str


def subfolders(disk: Disk, folder: Path) -> list[str]:
    """Names, sorted; none where the folder is missing."""
    try:
        return sorted(entry.name for entry in disk.scan(folder) if entry.is_dir)
    except NotFound:
        return []


def ranges(numbers: list[int]) -> str:
    """ "3, 7-9" of ascending numbers."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in parts)
