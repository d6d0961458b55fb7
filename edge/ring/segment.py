"""The one file that is being written: header, fragments, index box. Every byte passes through here once, and is hashed once."""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from edge.bmff.fragment import Stamp, build_fragment, init_segment, ns_of
from edge.bmff.index import IndexBuilder, SegmentIndex, encode_index
from edge.bmff.params import ParameterSets
from edge.clock import Reading
from edge.errors import StorageError
from edge.host.disk import Disk, File
from edge.messages.stream import Codec
from edge.ring.gop import Gop, Laid, lay_out

Sync = Literal["fragment", "segment", "off"]


@dataclass(frozen=True, slots=True)
class Form:
    """What stays the same within one segment. epoch: the capture worker's life it comes from."""

    codec: Codec
    params: ParameterSets
    width: int
    height: int
    fps: float | None
    epoch: int

    def describe(self) -> str:
        return f"{self.codec} {self.width}x{self.height} {self.params.sha256()[:16]}"


class OpenSegment:
    """Used by one thread. After a StorageError the file's tail is undefined: `abandon` it, `recover` reads what is whole."""

    def __init__(self, disk: Disk, folder: Path, camera: str, seq: int, boot: str, form: Form, sync: Sync) -> None:
        """`folder` is open/; nothing is written yet."""
        self.path = folder / f"{seq:09d}.mp4"
        self.seq = seq
        self.form = form
        self.fragments = 0
        self.size = 0
        self.first_boot_ns = 0
        self.end_boot_ns = 0
        """Where the footage in the file ends."""
        self.expected_dts_ns: int | None = None
        """Time stamp of the only GOP that may follow; None: none may."""
        self.reserved = 0
        self.first_gop: int | None = None
        self.last_gop: int | None = None
        """Counters of the signatures of its first and last GOP."""
        self._disk = disk
        self._camera = camera
        self._boot = boot
        self._sync = sync
        self._file: File | None = None
        self._hash = sha256()
        self._index: IndexBuilder | None = None
        self._origin_dts_ns = 0
        self._ticks = 0

    def open(self, reserve_bytes: int, *, again: bool = False) -> None:
        """Create the file durably and reserve its space. again: this number was tried before in this run and got no fragment, so a file
        that is there already is that try's, and is used."""
        try:
            self._file = self._disk.create(self.path)
        except StorageError as refused:
            if refused.number != errno.EEXIST or not again:
                raise
            self._file = self._disk.append(self.path)
            self._file.truncate(0)
        self._disk.sync_dir(self.path.parent)
        self.extend(reserve_bytes)

    def extend(self, reserve_bytes: int) -> None:
        """Reserve up to `reserve_bytes` from the start of the file."""
        assert self._file is not None
        self._file.reserve(reserve_bytes)
        self.reserved = reserve_bytes

    def append(self, gop: Gop, reading: Reading) -> Laid:
        """Write one fragment; with sync "fragment" it is durable when this returns."""
        assert self._file is not None
        if self.fragments == 0:
            self._origin_dts_ns = gop.packets[0].dts_ns
            self.first_boot_ns = gop.boot_ns
        laid = lay_out(gop, self._origin_dts_ns, self._ticks, self.form.fps)
        utc_ns = reading.utc_of(gop.boot_ns)
        if utc_ns < 0:  # a clock set to 1970 puts footage that waited before it: nobody believes that
            reading, utc_ns = replace(reading, state="untrusted"), 0
        stamp = Stamp(self.seq, self.fragments, gop.boot_ns, utc_ns, reading.state, self._boot)
        fragment = build_fragment(stamp, self._ticks, laid.samples)
        header = b"" if self._index else self._begin(laid.samples[0].cto)
        buffers = [header, *fragment.buffers] if header else fragment.buffers
        self._file.write(*buffers)
        if self._sync == "fragment":
            self._file.fdatasync()
        for buffer in buffers:
            self._hash.update(buffer)
        assert self._index is not None
        self._index.add(fragment, self.size + len(header), self._hash.digest())
        self.size += len(header) + fragment.length
        self.fragments += 1
        self._ticks += laid.ticks
        self.end_boot_ns = gop.boot_ns + ns_of(laid.ticks)
        self.expected_dts_ns = gop.next_dts_ns if laid.joins else None
        if self.fragments == 1:
            self.first_gop = gop.counter
        self.last_gop = gop.counter
        return laid

    def finish(self) -> tuple[SegmentIndex, int, str]:
        """Append the index box, cut the reserve, fsync, close: (index, size, SHA-256 of the file). The file still lies in open/.

        `size` counts the box once it is synced: what a failed fsync leaves behind must not be taken for written."""
        assert self._file is not None
        assert self._index is not None
        index = self._index.build()
        box = encode_index(index)
        self._file.write(box)
        self._hash.update(box)
        self._file.truncate(self.size + len(box))
        self._file.fsync()
        self.size += len(box)
        self._file.close()
        self._file = None
        return index, self.size, self._hash.hexdigest()

    def abandon(self) -> None:
        """Close without writing anything; what was written stays in open/."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _begin(self, first_cto: int) -> bytes:
        form = self.form
        header = init_segment(form.params, form.width, form.height, first_cto)
        self._index = IndexBuilder(
            camera=self._camera,
            seq=self.seq,
            boot=self._boot,
            params=form.params,
            width=form.width,
            height=form.height,
            init_length=len(header),
            first_cto=first_cto,
        )
        return header
