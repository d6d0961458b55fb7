"""Which reader a file needs, by its first bytes."""

from __future__ import annotations

from edge.errors import IntegrityError
from edge.seal.container import FileBytes, Film
from edge.seal.container_annexb import open_annexb
from edge.seal.container_matroska import MAGIC, open_matroska
from edge.seal.container_mp4 import KINDS, open_mp4

FILM_SUFFIXES = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".h264", ".264", ".h265", ".265", ".hevc")
)
"""Of names that people and players take for films, whether this verifier reads them or not."""
_START_CODES = (b"\0\0\1", b"\0\0\0\1")


def begins_as_film(head: bytes) -> bool:
    """Whether a file that begins with these (at least 12) bytes is taken for a film, by this or by a player."""
    return head[4:8] in KINDS or head.startswith((MAGIC, *_START_CODES))


def open_film(source: FileBytes) -> Film:
    """Raises IntegrityError where it is no film, or one that cannot be read; iterating its units may, too."""
    head = source.read(0, 12)
    if head[4:8] in KINDS:
        return open_mp4(source)
    if head.startswith(MAGIC):
        return open_matroska(source)
    if head.startswith(_START_CODES):
        return open_annexb(source)
    raise IntegrityError(f"{source.name}: neither MP4 nor Matroska nor raw H.264 or H.265")
