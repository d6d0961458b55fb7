"""What verbs ask of a command's arguments, in the same words."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

import msgspec

from edge.clock import NS_PER_S, parse_utc
from edge.errors import Refused
from edge.messages.wire import CommandClaims

_Args = TypeVar("_Args", bound=msgspec.Struct)
_DAY_S = 86_400


def args_of(claims: CommandClaims, shape: type[_Args]) -> _Args:
    """Raises Refused: bad_args."""
    try:
        return msgspec.convert(claims.args, shape)
    except msgspec.ValidationError as error:
        raise Refused("bad_args", f"{claims.verb} takes {', '.join(shape.__struct_fields__)}: {error}") from error


def known_camera(camera: str, cameras: Collection[str]) -> str:
    """Raises Refused: unknown_camera."""
    if camera not in cameras:
        raise Refused("unknown_camera", f"there is no camera {camera[:80]!r}", remedy=f"one of {', '.join(sorted(cameras))}")
    return camera


def utc_of(text: str) -> int:
    """Nanoseconds. Raises Refused: bad_range."""
    try:
        return parse_utc(text)
    except (ValueError, OverflowError) as error:
        raise Refused("bad_range", f"times are RFC 3339 with an offset: {error}") from error


def range_of(start: str, end: str, most_s: int) -> tuple[int, int]:
    """UTC nanoseconds. Raises Refused: bad_range."""
    start_ns, end_ns = utc_of(start), utc_of(end)
    if not 0 < end_ns - start_ns <= most_s * NS_PER_S:
        most = f"{most_s // _DAY_S} days" if most_s >= _DAY_S else f"{most_s} s"
        raise Refused("bad_range", f"end must be 0-{most} after start")
    return start_ns, end_ns
