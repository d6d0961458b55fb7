"""Finding what is whole in a segment nobody vouches for: an unfinished one, a torn one, one with damage in the middle.

Each fragment proves itself by its stamp (edge/bmff/fragment.py); after damage the walk goes on at the next stamp that does. Reads are
bounded, and so is the work: a file made to mislead costs at most a fixed number of passes over its bytes.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace
from errno import EIO
from hashlib import sha256

from edge.bmff.boxes import pack_i32, pack_u32
from edge.bmff.fragment import LARGEST_FRAGMENT_BYTES, STAMP_BYTES, STAMP_UUID, FragmentEntry, Stamp, StampBox, decode_stamp
from edge.bmff.index import TRAILER_BYTES, SegmentIndex, decode_tail
from edge.bmff.init import Init, init_from_stream, read_init
from edge.bmff.nal import stored
from edge.bmff.run import Run, moof_length, read_run
from edge.errors import IntegrityError, StorageError

Read = Callable[[int, int], bytes]
"""read(offset, length) -> bytes; fewer at the end of the file. May raise StorageError."""

CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 4096
_LARGEST_INIT_BYTES = 1 << 18
_LARGEST_MOOF_BYTES = 16 << 20
_PASSES, _LEAST_WORK_BYTES = 16, 64 << 20
_NAME_IN_STAMP = 8


@dataclass(frozen=True)
class Walk:
    """index: of the whole fragments alone. good_end: where the last of them ends (the end of the init segment where there is none); behind
    it stand a torn tail or the index box. damaged: (offset, length) of bytes between whole parts that do not check. init_ok: the init
    segment is intact; where it is not, parameter sets and size in `index` come from the index box or from the pictures. sealed: the file
    ends with an intact index box.
    """

    index: SegmentIndex
    good_end: int
    damaged: list[tuple[int, int]]
    init_ok: bool
    sealed: bool


def walk(read: Read, file_size: int, *, camera: str = "", check_payload: bool = True) -> Walk:
    """Reads a segment from its beginning and tells what is whole.

    check_payload: check every byte by CRC-32 and fill sha256_to_end (reads the whole file). Without it only stamps and tables are read and
    payloads are taken as they are: for a look at a segment that is being written. Raises only what `read` raises; EIO from it counts as
    damage of the bytes asked for.
    """
    return _Walker(read, file_size, check_payload).run(camera)


class _Walker:
    def __init__(self, read: Read, file_size: int, check_payload: bool) -> None:
        self._read = read
        self._size = max(0, file_size)
        self._check_payload = check_payload
        self._work = _PASSES * self._size + _LEAST_WORK_BYTES
        self._chunk = (0, b"")
        self._entries: list[FragmentEntry] = []
        self._damaged: list[tuple[int, int]] = []
        self._sizes, self._durations, self._ctos = array("I"), array("I"), array("i")
        self._first: Stamp | None = None
        self._digest = sha256()
        self._digested = 0

    def run(self, camera: str) -> Walk:
        index, end = self._sealed_index()
        init = self._init(end, index)
        position = good_end = init.length if init is not None else 0
        while position < end and self._work > 0:
            entry = self._fragment_at(position, end)
            if entry is None:
                position = self._next_stamp(position + 1, end)
                continue
            if entry.offset > good_end:
                self._damaged.append((good_end, entry.offset - good_end))
            self._entries.append(entry)
            position = good_end = entry.offset + entry.length
        if index is not None and end > good_end:
            self._damaged.append((good_end, end - good_end))
        found = self._index(init or self._init_otherwise(index), index.camera if index is not None else camera)
        return Walk(found, good_end, self._damaged, init is not None, index is not None)

    def _bytes(self, offset: int, length: int) -> bytes:
        length = min(length, self._size - offset)
        if length <= 0:
            return b""
        self._work -= length
        try:
            return self._read(offset, length)
        except StorageError as error:
            if error.number != EIO:
                raise
            return b""

    def _sealed_index(self) -> tuple[SegmentIndex | None, int]:
        """The index box the file ends with, where it is intact, and where the fragments end at the latest."""
        length = TRAILER_BYTES
        for _ in range(2):
            try:
                found = decode_tail(self._bytes(max(0, self._size - length), length), self._size)
            except IntegrityError:
                break
            if isinstance(found, SegmentIndex):
                return found, self._size - length
            length = found.length
        return None, self._size

    def _init(self, end: int, index: SegmentIndex | None) -> Init | None:
        head = self._bytes(0, min(end, _HEAD_BYTES))
        boxes_end = sum(int.from_bytes(head[at : at + 4], "big") for at in (0, int.from_bytes(head[:4], "big")))
        if len(head) < boxes_end + STAMP_BYTES and boxes_end <= min(end, _LARGEST_INIT_BYTES):
            head = self._bytes(0, boxes_end + STAMP_BYTES)
        init = read_init(head)
        if init is None or 0 <= head.find(STAMP_UUID) - _NAME_IN_STAMP < init.length:
            return None
        if index is not None and (init.length, init.sample_entry) != (index.init_length, index.sample_entry):
            return None
        return init

    def _fragment_at(self, offset: int, end: int) -> FragmentEntry | None:
        head = self._bytes(offset, _HEAD_BYTES)
        found = decode_stamp(head)
        if found is None or offset + found.length > end or not STAMP_BYTES < found.length <= LARGEST_FRAGMENT_BYTES * 2:
            return None
        if not self._continues(found.stamp):
            return None
        moof = moof_length(head[STAMP_BYTES : STAMP_BYTES + 8])
        if moof is None or moof > min(_LARGEST_MOOF_BYTES, found.length):
            return None
        needed = STAMP_BYTES + moof + 8
        if needed > len(head):
            head = self._bytes(offset, needed)
        run = read_run(memoryview(head)[STAMP_BYTES:], found.length - STAMP_BYTES)
        if run is None or (self._entries and run.dts < self._entries[-1].dts):
            return None
        if self._check_payload and not self._is_whole(offset, found):
            return None
        return self._entry(offset, found, run)

    def _continues(self, stamp: Stamp) -> bool:
        """Valid-looking fragments of another segment may stand where a file system gave old blocks back."""
        if self._first is None:
            return True
        same = (stamp.segment_seq, stamp.boot) == (self._first.segment_seq, self._first.boot)
        return same and stamp.number > self._entries[-1].number

    def _is_whole(self, offset: int, found: StampBox) -> bool:
        position, end, crc32 = offset + STAMP_BYTES, offset + found.length, 0
        self._digest_to(position)
        digest = self._digest.copy()
        while position < end:
            part = self._bytes(position, min(CHUNK_BYTES, end - position))
            if not part:
                return False
            crc32 = zlib.crc32(part, crc32)
            digest.update(part)
            position += len(part)
        if crc32 != found.crc32:
            return False
        self._digest, self._digested = digest, end
        return True

    def _digest_to(self, end: int) -> None:
        while self._digested < end:
            part = self._bytes(self._digested, min(CHUNK_BYTES, end - self._digested))
            part = part or bytes(min(CHUNK_BYTES, end - self._digested))
            self._digest.update(part)
            self._digested += len(part)

    def _entry(self, offset: int, found: StampBox, run: Run) -> FragmentEntry:
        stamp = found.stamp
        self._first = self._first or stamp
        entry = FragmentEntry(
            offset=offset,
            length=found.length,
            data_offset=offset + found.length - run.data_length,
            data_length=run.data_length,
            first_sample=len(self._sizes),
            samples=len(run.sizes),
            dts=run.dts,
            boot_ns=stamp.boot_ns,
            utc_ns=stamp.utc_ns,
            clock=stamp.clock,
            crc32=found.crc32,
            number=stamp.number,
            key=run.key,
            sha256_to_end=self._digest.digest() if self._check_payload else b"",
        )
        self._sizes += run.sizes
        self._durations += run.durations
        self._ctos += run.ctos
        return entry

    def _next_stamp(self, position: int, end: int) -> int:
        """Where the next stamp may begin, at or after `position`; `end` where there is none."""
        while position < end and self._work > 0:
            chunk_offset, chunk = self._chunk
            if not chunk_offset <= position < chunk_offset + len(chunk) - STAMP_BYTES:
                chunk_offset, chunk = self._chunk = (position, self._bytes(position, CHUNK_BYTES))
            found = chunk.find(STAMP_UUID, position - chunk_offset + _NAME_IN_STAMP)
            if found >= 0:
                return min(end, chunk_offset + found - _NAME_IN_STAMP)
            step = len(chunk) - len(STAMP_UUID) - _NAME_IN_STAMP if len(chunk) > STAMP_BYTES else _HEAD_BYTES
            position = max(chunk_offset + step, position + 1)
        return end

    def _index(self, init: Init, camera: str) -> SegmentIndex:
        stamp = self._first or Stamp(0, 0, 0, 0, "untrusted", "")
        tables = (pack_u32(self._sizes), pack_u32(self._durations), pack_i32(self._ctos))
        facts = (init.codec, init.width, init.height, init.length, init.sample_entry, init.params_sha256, init.first_cto)
        return SegmentIndex(camera, stamp.segment_seq, stamp.boot, *facts, tuple(self._entries), *tables)

    def _init_otherwise(self, index: SegmentIndex | None) -> Init:
        """What an intact index box, or else the first key frame's own parameter sets say."""
        if index is not None:
            facts = (index.codec, index.width, index.height, index.sample_entry, index.params_sha256, index.first_cto)
            return Init(index.init_length, *facts)
        entry = next((each for each in self._entries if each.key), None)
        first = self._entries[0].offset if self._entries else 0
        if entry is None:
            return Init(first)
        size = min(self._sizes[entry.first_sample], CHUNK_BYTES)
        cto = self._ctos[0] if self._entries[0].dts == 0 else 0
        return replace(init_from_stream(stored(self._bytes(entry.data_offset, size)) or []), length=first, first_cto=max(0, cto))
