"""Reading back the `moof` of a fragment that `fragment.build_fragment` wrote (ISO/IEC 14496-12, 8.8.4 to 8.8.12)."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from struct import unpack_from

from edge.bmff.boxes import HEADER_BYTES, Buffer, find_box, unpack_i32, unpack_u32
from edge.bmff.fragment import SAMPLE_NOT_KEY, TRUN_DATA_OFFSET, TRUN_DURATION, TRUN_FIRST_FLAGS, TRUN_FLAGS, TRUN_OFFSETS, TRUN_SIZE

_NOT_SYNC = 0x0001_0000
_EACH = TRUN_DURATION | TRUN_SIZE | TRUN_OFFSETS


@dataclass(frozen=True)
class Run:
    """The samples of one fragment. moof_bytes: of the whole box; `mdat` follows, `data_length` bytes of payload. Ticks throughout."""

    dts: int
    key: bool
    sizes: array[int]
    durations: array[int]
    ctos: array[int]
    moof_bytes: int
    data_length: int


def moof_length(data: Buffer) -> int | None:
    """Bytes of the moof that begins `data`, from its header alone; None where another box begins there."""
    if len(data) < HEADER_BYTES or bytes(data[4:8]) != b"moof":
        return None
    return int.from_bytes(data[:4], "big")


def read_run(data: Buffer, length: int) -> Run | None:
    """The run of the moof that begins `data`, followed by at least the header of its mdat; moof and mdat are `length` bytes together.

    None where they are not as `build_fragment` writes them: then the bytes are damaged or somebody else's. Never raises.
    """
    size = moof_length(data)
    if size is None or size + HEADER_BYTES > min(len(data), length):
        return None
    data_length = length - size - HEADER_BYTES
    if bytes(data[size : size + HEADER_BYTES]) != (HEADER_BYTES + data_length).to_bytes(4, "big") + b"mdat":
        return None
    time = find_box(data, b"moof", b"traf", b"tfdt", end=size)
    run = find_box(data, b"moof", b"traf", b"trun", end=size)
    if time is None or run is None or time.end - time.body != 12 or run.end - run.body < 12:
        return None
    (dts,) = unpack_from(">Q", data, time.body + 4)
    version_and_flags, count, data_offset = unpack_from(">III", data, run.body)
    flags = version_and_flags & 0xFF_FFFF
    if flags & (_EACH | TRUN_DATA_OFFSET) != _EACH | TRUN_DATA_OFFSET or data_offset != size + HEADER_BYTES:
        return None
    return _read_rows(data, run.body + 12, run.end, flags, count, Run(dts, True, array("I"), array("I"), array("i"), size, data_length))


def _read_rows(data: Buffer, start: int, end: int, flags: int, count: int, run: Run) -> Run | None:
    first_flags = SAMPLE_NOT_KEY
    if flags & TRUN_FIRST_FLAGS:
        if start + 4 > end:
            return None
        (first_flags,) = unpack_from(">I", data, start)
        start += 4
    columns = 4 if flags & TRUN_FLAGS else 3
    if count == 0 or end - start != count * columns * 4:
        return None
    rows = memoryview(data)[start:end]
    values = unpack_u32(rows)
    if flags & TRUN_FLAGS:
        first_flags = values[2]
    durations, sizes, ctos = values[0::columns], values[1::columns], unpack_i32(rows)[columns - 1 :: columns]
    if sum(sizes) != run.data_length:
        return None
    return Run(run.dts, not first_flags & _NOT_SYNC, sizes, durations, ctos, run.moof_bytes, run.data_length)
