"""The boxes a one-track video movie is made of (ISO/IEC 14496-12, clause 8), as far as segments and clips share them."""

from __future__ import annotations

from struct import pack

from edge.bmff.boxes import box, full_box
from edge.clock import NS_PER_S

TIMESCALE = 90_000
"""Ticks per second of every duration, decoding time and composition offset, of tracks and of movies."""

NS_PER_TICK_TIMES_9 = 100_000
_MATRIX = pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)
_UNDETERMINED_LANGUAGE = 0x55C4
_SECONDS_1904_TO_1970 = 2_082_844_800
_SECONDS_1601_TO_1970 = 11_644_473_600
_NS_PER_FILE_TIME = 100
TRACK = 1


def ticks(ns: int) -> int:
    """Nanoseconds as ticks, rounded down; convert instants and subtract, so that rounding never adds up."""
    return ns * 9 // NS_PER_TICK_TIMES_9


def ns_of(ticks: int) -> int:
    """Ticks as nanoseconds, rounded up: ticks(ns_of(n)) is n."""
    return -(-ticks * NS_PER_TICK_TIMES_9 // 9)


def file_type(major: bytes, *compatible: bytes) -> bytes:
    return box(b"ftyp", major, pack(">I", 0x200), major, *compatible)


def start_time(utc_ns: int) -> bytes:
    """A file-level meta box with cstb: when the origin of the media timeline was (ONVIF Export File Format 26.06, "Timing"), in 100 ns
    since 1601."""
    handler = full_box(b"hdlr", 0, 0, pack(">I4s12x", 0, b"null"), b"\0")
    moment = utc_ns // _NS_PER_FILE_TIME + _SECONDS_1601_TO_1970 * (NS_PER_S // _NS_PER_FILE_TIME)
    return full_box(b"meta", 0, 0, handler, box(b"cstb", pack(">IIQ", 1, TRACK, moment)))


def movie_header(duration: int, created_s: int = 0) -> bytes:
    """mvhd. duration: ticks, 0 where fragments follow. created_s: seconds since 1970, 0 where it is not to be said."""
    created = created_s + _SECONDS_1904_TO_1970 if created_s else 0
    times = pack(">QQIQ", created, created, TIMESCALE, duration)
    return full_box(b"mvhd", 1, 0, times, pack(">IH10x", 0x10000, 0x100), _MATRIX, bytes(24), pack(">I", TRACK + 1))


def track_header(duration: int, width: int, height: int, created_s: int = 0) -> bytes:
    """tkhd: enabled, in the movie and its preview."""
    created = created_s + _SECONDS_1904_TO_1970 if created_s else 0
    times = pack(">QQIIQ", created, created, TRACK, 0, duration)
    return full_box(b"tkhd", 1, 3, times, bytes(16), _MATRIX, pack(">II", width << 16, height << 16))


def edit_list(media_time: int, duration: int) -> bytes:
    """edts with one edit: play `duration` ticks (0: all there is, 8.6.6) from `media_time`, in composition time."""
    return box(b"edts", full_box(b"elst", 1, 0, pack(">IQqHH", 1, duration, media_time, 1, 0)))


def media(duration: int, sample_table: bytes) -> bytes:
    """mdia of a video track whose data is in this file."""
    header = full_box(b"mdhd", 1, 0, pack(">QQIQHH", 0, 0, TIMESCALE, duration, _UNDETERMINED_LANGUAGE, 0))
    handler = full_box(b"hdlr", 0, 0, pack(">I4s12x", 0, b"vide"), b"video\0")
    here = box(b"dinf", full_box(b"dref", 0, 0, pack(">I", 1), full_box(b"url ", 0, 1)))
    information = box(b"minf", full_box(b"vmhd", 0, 1, bytes(8)), here, sample_table)
    return box(b"mdia", header, handler, information)


def sample_description(sample_entry: bytes) -> bytes:
    return full_box(b"stsd", 0, 0, pack(">I", 1), sample_entry)
