"""Camera buffers without a dma-heap: libcamera's virtual pipeline only maps the descriptor it is given."""

from __future__ import annotations

import mmap
import os
from typing import Any

import libcamera
from picamera2.allocators.allocator import Allocator


class Mapped:
    """Memory files need no synchronising."""

    def __init__(self, allocator: MemoryAllocator, buffer: Any, _write: bool) -> None:
        self._mapped = allocator.mapped_buffers[buffer]

    def __enter__(self) -> mmap.mmap:
        return self._mapped

    def __exit__(self, *_: object) -> None:
        """Nothing."""


class MemoryAllocator(Allocator):  # type: ignore[misc]
    """In place of DmaAllocator. Two planes in one memory file for each buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.sync = Mapped
        self.frame_buffers: dict[Any, list[Any]] = {}
        self.mapped_buffers: dict[Any, mmap.mmap] = {}
        self.descriptors: list[int] = []

    def allocate(self, configuration: Any, _use_case: Any) -> None:
        self.close()
        for stream in configuration:
            luma, chroma = stream.stride * stream.size.height, stream.stride * stream.size.height // 2
            self.frame_buffers[stream.stream] = [self._buffer(luma, chroma) for _ in range(stream.buffer_count)]

    def buffers(self, stream: Any) -> list[Any]:
        return self.frame_buffers[stream]

    def close(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.frame_buffers, self.mapped_buffers, self.descriptors = {}, {}, []

    def _buffer(self, luma: int, chroma: int) -> Any:
        descriptor = os.memfd_create("rig")
        os.ftruncate(descriptor, luma + chroma)
        planes = [libcamera.FrameBuffer.Plane() for _ in range(2)]
        for plane, offset, length in zip(planes, (0, luma), (luma, chroma), strict=True):
            plane.fd, plane.offset, plane.length = descriptor, offset, length
        buffer = libcamera.FrameBuffer(planes)
        self.descriptors.append(descriptor)
        self.mapped_buffers[buffer] = mmap.mmap(descriptor, luma + chroma, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        return buffer
