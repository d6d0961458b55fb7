"""The chain of a span's signed GOPs: which counter comes next, and what it links to. Pure."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from edge.bmff.boxes import Buffer
from edge.bmff.params import ParameterSets
from edge.messages.stream import Codec
from edge.seal.hashing import begins_gop, hashes_of, is_hashed
from edge.seal.onvif import FIRST_LINK, Document

MANUFACTURER = "edge-recorder"
_SETS_BYTES = 16


@dataclass(frozen=True, slots=True)
class Maker:
    """Who signs: stated in each document. serial: "<node>/<camera>"."""

    serial: str
    version: str

    def firmware(self, params: ParameterSets | None, *, after_restart: bool = False) -> str:
        """Besides the version, a digest of the parameter sets (16 bytes of SHA-256, base64url): ONVIF's hashes leave them out, and a
        changed SPS changes the picture. after_restart: the GOP was read back from the disk before it was signed."""
        words = [f"{MANUFACTURER} {self.version}"]
        if params is not None:
            words.append(f"ps:{sets_word(params)}")
        if after_restart:
            words.append("after-restart")
        return " ".join(words)


def sets_word(params: ParameterSets) -> str:
    """22 characters that stand for the parameter sets."""
    return urlsafe_b64encode(bytes.fromhex(params.sha256())[:_SETS_BYTES]).decode().rstrip("=")


class Chain:
    """One span. One thread."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._counter = 0
        self._link = FIRST_LINK

    def skip(self, codec: Codec, units: Sequence[Sequence[Buffer]]) -> int:
        """A GOP that gets no document; its counter. The next document links to it all the same."""
        self._counter += 1
        self._link = anchor_of(codec, units) or FIRST_LINK
        return self._counter

    def next(
        self,
        codec: Codec,
        units: Sequence[Sequence[Buffer]],
        start_utc_ns: int | None,
        length_ns: int,
        params: ParameterSets | None,
        certificates: bytes,
    ) -> Document | None:
        """The document of the span's next GOP, given as NAL units; None where it begins with no IDR picture."""
        hashes = hashes_of(codec, units)
        self._counter += 1
        link, self._link = self._link, hashes[0] if hashes else FIRST_LINK
        if not hashes:
            return None
        return Document(
            counter=self._counter,
            link=link,
            hashes=tuple(hashes),
            start_utc_ns=start_utc_ns,
            end_utc_ns=None if start_utc_ns is None else start_utc_ns + length_ns,
            firmware=self._maker.firmware(params),
            serial=self._maker.serial,
            manufacturer=MANUFACTURER,
            certificates=certificates,
        )

    @property
    def counter(self) -> int:
        """Of the newest GOP."""
        return self._counter


def anchor_of(codec: Codec, units: Sequence[Sequence[Buffer]]) -> bytes:
    """Hash of the primary slice of the first access unit; empty where it is no IDR picture's."""
    first = next((nal for nal in (units[0] if units else ()) if is_hashed(codec, nal)), None)
    return sha256(first).digest() if first is not None and begins_gop(codec, first) else b""
