"""One GOP against the document that names its IDR picture: the same, something missing, or something else."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from edge.seal.gops import Gop, Paper
from edge.seal.onvif import HASH_BYTES, linked


@dataclass(frozen=True, slots=True)
class Compared:
    """Pictures of a GOP. missing: coded slices that the document lists and the file does not have (one a picture, mostly)."""

    verified: int
    altered: int
    missing: int
    unverifiable: int


def compare(gop: Gop) -> Compared:
    """gop: with a document."""
    assert gop.document is not None
    covered = gop.pictures - gop.uncovered
    if gop.exact:
        return Compared(covered, 0, 0, gop.uncovered)
    if gop.overflow or not gop.document.hashes:
        return Compared(0, 0 if gop.overflow else covered, 0, gop.pictures if gop.overflow else gop.uncovered)
    found, listed = gop.hashes(), gop.document.hashes
    if _is_part(found, listed):
        return Compared(covered, 0, len(listed) - len(found), gop.uncovered)
    known = set(listed)
    wrong = {bisect_right(gop.first_slices, place) for place, each in enumerate(found) if each not in known}
    altered = min(covered, max(1, len(wrong)))
    return Compared(covered - altered, altered, 0, gop.uncovered)


def has_slices_of(gop: Gop, paper: Paper) -> bool:
    """Whether slices of the GOP stand in the document under its own anchor: then it speaks of this GOP, whose IDR picture is another."""
    view, known = bytes(gop.slices), set(paper.hashes)
    return any(linked(paper.anchor, view[at : at + HASH_BYTES]) in known for at in range(0, len(view), HASH_BYTES))


def _is_part(found: list[bytes], listed: tuple[bytes, ...]) -> bool:
    """Whether `found` is `listed` with something left out."""
    rest = iter(listed)
    return all(any(each == other for other in rest) for each in found)
