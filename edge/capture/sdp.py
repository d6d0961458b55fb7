"""The part of a session description (RFC 8866) that says where a camera's video is and what it is. Pure."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from edge.bmff.nal import START_CODE
from edge.messages.stream import Codec

_NAMES: dict[str, Codec] = {"H264": "h264", "H265": "h265", "HEVC": "h265"}
_SETS = {"h264": ("sprop-parameter-sets",), "h265": ("sprop-vps", "sprop-sps", "sprop-pps")}


@dataclass(frozen=True, slots=True)
class Video:
    """control: as written, "" where absent. parameter_sets: Annex-B, b"" where not described. fps None where not described."""

    codec: Codec
    payload: int
    control: str
    fps: float | None
    parameter_sets: bytes


@dataclass(frozen=True, slots=True)
class Description:
    """control: of the whole session. offered: names of the video encodings there are, for the error text."""

    control: str
    video: Video | None
    offered: tuple[str, ...]


def describe(text: str) -> Description:
    """The first video of a known codec. Never raises: what cannot be understood is left out."""
    session, *media = _sections(text)
    videos = [section for section in media if section[0].startswith("m=video ")]
    found = [video for video in map(_video, videos) if video is not None]
    offered = tuple(name for section in videos for name, _ in _encodings(section).values())
    return Description(_attribute(session, "control"), found[0] if found else None, offered)


def _sections(text: str) -> list[list[str]]:
    """The lines of the session, then those of each medium."""
    sections: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line.strip())
    return sections


def _attribute(section: list[str], name: str) -> str:
    return next((line.partition(":")[2].strip() for line in section if line.startswith(f"a={name}:")), "")


def _encodings(section: list[str]) -> dict[int, tuple[str, int]]:
    """Payload type -> (name, clock)."""
    found = {}
    for line in section:
        if line.startswith("a=rtpmap:"):
            number, _, rest = line[9:].partition(" ")
            name, _, clock = rest.strip().partition("/")
            if number.isdigit():
                rate = clock.split("/")[0]
                found[int(number)] = name.upper(), int(rate) if rate.isdigit() else 0
    return found


def _video(section: list[str]) -> Video | None:
    for payload, (name, _clock) in _encodings(section).items():
        codec = _NAMES.get(name)
        if codec is not None:
            rate = _attribute(section, "framerate") or _attribute(section, "x-framerate")
            return Video(codec, payload, _attribute(section, "control"), _rate(rate), _parameter_sets(section, payload, codec))
    return None


def _rate(text: str) -> float | None:
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if 0.1 <= rate <= 240 else None


def _parameter_sets(section: list[str], payload: int, codec: Codec) -> bytes:
    """RFC 6184, 8.1 and RFC 7798, 7.1: base64, several separated by commas."""
    line = next((line for line in section if line.startswith(f"a=fmtp:{payload} ")), "")
    values = {}
    for part in line.partition(" ")[2].split(";"):
        name, _, value = part.strip().partition("=")
        values[name.lower()] = value
    sets = []
    for name in _SETS[codec]:
        for text in values.get(name, "").split(","):
            try:
                nal = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                continue
            if nal:
                sets.append(START_CODE + nal)
    return b"".join(sets)
