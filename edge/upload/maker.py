"""What a job needs of the clip package; the composition root binds the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from edge.errors import EdgeError, IntegrityError, StorageError
from edge.messages.clip import ClipRequest, Manifest
from edge.upload.jobs import PinnedFile
from edge.upload.send import Buffer, Source


class ClipMaker(Protocol):
    """Any thread; one job is carried out by one thread at a time."""

    def prepare(self, plan: bytes, segment: Callable[[int], PinnedFile]) -> bytes:
        """The plan without footage that cannot be read, which becomes gaps; the same result at every call. Raises StorageError,
        IntegrityError."""

    def parts(self, plan: bytes) -> int:
        """How many files the plan makes."""

    def open(self, plan: bytes, part: int, segment: Callable[[int], PinnedFile]) -> Source:
        """The same bytes at every call. `segment` gives a pinned file by its sequence number. Raises StorageError, IntegrityError."""

    def manifest(self, request: ClipRequest, plan: bytes, clips: Mapping[int, Source]) -> Manifest:
        """One ClipFile per clip, in the order of the mapping. Parts of the plan without a clip could not be read: they are gaps."""

    def package(
        self, manifest: Manifest, plan: bytes, segment: Callable[[int], PinnedFile], check: Callable[[], None]
    ) -> Mapping[str, bytes]:
        """What goes with the clips, by name; other bytes at each call. check: called now and then; may raise to end it."""


class Unreadable(EdgeError):
    """Pinned footage could not be read in the middle of a transfer."""


class Guarded:
    """A clip whose read errors are told from all others."""

    def __init__(self, clip: Source) -> None:
        self._clip = clip

    @property
    def size(self) -> int:
        return self._clip.size

    def etag(self) -> str:
        return self._clip.etag()

    def stream(self, offset: int = 0, chunk_bytes: int = 1 << 18) -> Iterator[Buffer]:
        try:
            yield from self._clip.stream(offset, chunk_bytes)
        except (StorageError, IntegrityError) as error:
            raise Unreadable(f"pinned footage cannot be read: {error}") from error
