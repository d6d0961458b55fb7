"""Parameter sets seen in a file: in its header, in front of key frames, and where none belong."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from edge.bmff.params import ParameterSets, parameter_sets
from edge.messages.stream import Codec

_STATED = re.compile(r"(?:^| )ps:([A-Za-z0-9_-]{22})(?: |$)")
_MOST_FORMS = 16


def short_digest(sha256_hex: str) -> str:
    """128 bits of the SHA-256 of parameter sets, base64url: how the recorder's signatures name them."""
    return urlsafe_b64encode(bytes.fromhex(sha256_hex)[:16]).rstrip(b"=").decode("ascii")


def stated_digest(firmware: str) -> str:
    """What a signature's firmware word says of the parameter sets; "" where it says nothing."""
    found = _STATED.search(firmware)
    return found[1] if found else ""


class ParameterWatch:
    """in_force: short digest of the sets the next key frame uses, "" where none were seen. seen: of all that were seen, each once.
    strays: sets that came alone and are none of those in force."""

    def __init__(self, codec: Codec, entry: ParameterSets | None) -> None:
        self._codec = codec
        self.seen: dict[str, str] = {}
        self.in_force = ""
        self.strays = 0
        self._known: frozenset[bytes] = frozenset()
        self._last: list[bytes] = []
        if entry is not None:
            self._take(entry)

    def unit(self, sets: Sequence[memoryview]) -> None:
        """The parameter sets of one access unit, in order."""
        nals = [bytes(each) for each in sets]
        if nals == self._last:
            return
        self._last = nals
        complete = parameter_sets(self._codec, nals)
        if complete is not None:
            self._take(complete)
        elif not self._known.issuperset(nals):
            self.strays += 1

    def _take(self, sets: ParameterSets) -> None:
        whole = sets.sha256()
        self.in_force = short_digest(whole)
        self._known = frozenset((*sets.vps, *sets.sps, *sets.pps))
        if len(self.seen) < _MOST_FORMS:
            self.seen[self.in_force] = whole
        else:
            self.strays += 1
