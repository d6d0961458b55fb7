"""Clips in memory and on disk for upload tests: bytes that are easy to tell apart, behind the interface of a virtual clip."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping

from edge.errors import StorageError
from edge.messages.clip import ClipFile, ClipRequest, GapSpan, Manifest
from edge.upload.jobs import PinnedFile
from edge.upload.send import Source

REQUEST = ClipRequest(id="r-1", camera="cam", start="2026-11-22T13:00:00.000Z", end="2026-11-22T13:01:00.000Z", operator="o", case="C 1/26")


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


class MemoryClip:
    """`data` may be changed under the reader, as a dying card does."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @property
    def size(self) -> int:
        return len(self.data)

    def etag(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def stream(self, offset: int = 0, chunk_bytes: int = 1 << 18) -> Iterator[bytes]:
        for start in range(offset, len(self.data), chunk_bytes):
            yield self.data[start : start + chunk_bytes]


class PinnedClip(MemoryClip):
    """Reads a pinned segment as it is."""

    def __init__(self, file: PinnedFile) -> None:
        super().__init__(b"")
        self._file = file

    @property
    def size(self) -> int:
        return self._file.size

    def etag(self) -> str:
        return hashlib.sha256(self._file.read(0, self.size)).hexdigest()

    def stream(self, offset: int = 0, chunk_bytes: int = 1 << 18) -> Iterator[bytes]:
        for start in range(offset, self.size, chunk_bytes):
            yield self._file.read(start, chunk_bytes)


def manifest_of(request: ClipRequest, names: Mapping[str, Source], gaps: list[GapSpan]) -> Manifest:
    files = [
        ClipFile(
            name=name,
            bytes=clip.size,
            sha256=clip.etag(),
            codec="h264",
            asked_start=request.start,
            asked_end=request.end,
            delivered_start=request.start,
            delivered_end=request.end,
            frames=1,
            span="boot/1",
            segments=[1],
            clock="trusted",
        )
        for name, clip in names.items()
    ]
    return Manifest(request=request, node="pole-7", files=files, gaps=gaps)


class SegmentClips:
    """A clip maker whose plan is a comma-separated list of sequence numbers: each pinned segment is one file. A segment that cannot be read
    is left out by `prepare` and becomes a gap. beside: what goes with the clips; `made` counts how often it was asked for."""

    def __init__(self, beside: Mapping[str, bytes] | None = None) -> None:
        self.beside = beside or {}
        self.made = 0

    def prepare(self, plan: bytes, segment: Callable[[int], PinnedFile]) -> bytes:
        return b",".join(each if _readable(segment, int(each)) else b"-" + each for each in plan.split(b","))

    def parts(self, plan: bytes) -> int:
        return len(_numbers(plan))

    def open(self, plan: bytes, part: int, segment: Callable[[int], PinnedFile]) -> Source:
        return PinnedClip(segment(_numbers(plan)[part]))

    def manifest(self, request: ClipRequest, plan: bytes, clips: Mapping[int, Source]) -> Manifest:
        numbers = _numbers(plan)
        missing = plan.count(b"-") + len(numbers) - len(clips)
        gaps = [GapSpan(start=request.start, end=request.end, reason="damaged")] * missing
        return manifest_of(request, {f"cam_{numbers[part]}.mp4": clip for part, clip in clips.items()}, gaps)

    def package(
        self, manifest: Manifest, plan: bytes, segment: Callable[[int], PinnedFile], check: Callable[[], None]
    ) -> Mapping[str, bytes]:
        check()
        self.made += 1
        return self.beside


def _numbers(plan: bytes) -> list[int]:
    return [int(each) for each in plan.split(b",") if each and not each.startswith(b"-")]


def _readable(segment: Callable[[int], PinnedFile], seq: int) -> bool:
    try:
        file = segment(seq)
        file.read(0, file.size)
    except StorageError:
        return False
    return True
