"""GOPs and signed documents of a film, gathered in one pass; a document is matched with its GOP as soon as both are there.

What is matched exactly keeps nothing but its summary, so memory follows what does not fit, not the length of the film.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from hashlib import sha256

from edge.errors import IntegrityError
from edge.seal.onvif import HASH_BYTES, Document, SignedDocument, linked
from edge.seal.trust import ChainResult

MOST_HASHES = 4_000_000
"""Kept at one time, of GOPs and of documents together."""
MOST_IN_GOP = 20_000
_MOST_CANDIDATES = 8


@dataclass(slots=True)
class Gop:
    """number: its place in the file, from 0. anchor: hash of its IDR picture's primary slice. slices: SHA-256 of each further slice, 32
    bytes each, before they are bound to the anchor. first_slices: number of each picture's first slice in the hash list. uncovered:
    pictures with slices of kinds that no document lists. overflow: slices beyond what is kept. earliest_ns, latest_ns: composition times
    of its pictures. params: short digest of the parameter sets in force. exact: it fits its document, slice by slice. idr_proven: a later
    document's link names its IDR picture; idr_altered: a document must speak of it and names another IDR picture."""

    number: int
    anchor: bytes
    pts_ns: int | None
    params: str
    slices: bytearray = field(default_factory=bytearray)
    first_slices: array[int] = field(default_factory=lambda: array("I"))
    pictures: int = 0
    uncovered: int = 0
    overflow: int = 0
    earliest_ns: int | None = None
    latest_ns: int | None = None
    document: Paper | None = None
    exact: bool = False
    idr_proven: bool = False
    idr_altered: bool = False
    _hash: bytes = b""
    _hashed: int = 0

    @property
    def count(self) -> int:
        return 1 + len(self.slices) // HASH_BYTES

    def shown_at(self, pts_ns: int | None) -> None:
        if pts_ns is not None:
            self.earliest_ns = pts_ns if self.earliest_ns is None else min(self.earliest_ns, pts_ns)
            self.latest_ns = pts_ns if self.latest_ns is None else max(self.latest_ns, pts_ns)

    def gop_hash(self) -> bytes:
        """Of all hashes together; worked out anew only when slices were added."""
        if self._hashed != self.count:
            self._hash, self._hashed = sha256(b"".join(self.hashes())).digest(), self.count
        return self._hash

    def hashes(self) -> list[bytes]:
        """The hash list as a document would have it."""
        view = bytes(self.slices)
        rest = (linked(self.anchor, view[at : at + HASH_BYTES]) for at in range(0, len(view), HASH_BYTES))
        return [self.anchor, *rest]

    def fits(self, hashes: tuple[bytes, ...]) -> bool:
        if len(hashes) != self.count or self.overflow or hashes[0] != self.anchor:
            return False
        view = bytes(self.slices)
        return all(linked(self.anchor, view[HASH_BYTES * (n - 1) : HASH_BYTES * n]) == hashes[n] for n in range(1, len(hashes)))


@dataclass(slots=True)
class Paper:
    """A document whose signature is good. begun: how many GOPs had begun before it came. listed: it had a hash list. hashes: emptied
    when it was matched exactly. anchor: b"" where not known (no list)."""

    counter: int
    link: bytes
    anchor: bytes
    hashes: tuple[bytes, ...]
    gop_hash: bytes
    listed: bool
    partial: bool
    start_utc_ns: int | None
    end_utc_ns: int | None
    firmware: str
    begun: int
    chain: ChainResult | None
    gop: Gop | None = None


def paper_of(signed: SignedDocument, begun: int, chain: ChainResult | None) -> Paper:
    told: Document = signed.document
    return Paper(
        counter=told.counter,
        link=told.link,
        anchor=told.anchor,
        hashes=told.hashes,
        gop_hash=signed.stated_gop_hash,
        listed=signed.listed,
        partial=told.partial,
        start_utc_ns=told.start_utc_ns,
        end_utc_ns=told.end_utc_ns,
        firmware=told.firmware,
        begun=begun,
        chain=chain,
    )


class Matching:
    """Holds all GOPs and papers in file order. Raises IntegrityError where more than MOST_HASHES would have to be kept."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.gops: list[Gop] = []
        self.papers: list[Paper] = []
        self._by_anchor: dict[bytes, list[Gop]] = {}
        self._kept = 0

    def begin(self, anchor: bytes, pts_ns: int | None, params: str) -> Gop:
        if self.gops and self.gops[-1].exact:
            self._forget(self.gops[-1])
        gop = Gop(len(self.gops), anchor, pts_ns, params)
        self.gops.append(gop)
        self._by_anchor.setdefault(anchor, []).append(gop)
        self._keep(1)
        return gop

    def add_slice(self, gop: Gop, digest: bytes) -> None:
        if gop.count >= MOST_IN_GOP:
            gop.overflow += 1
            return
        gop.exact = False
        gop.slices += digest
        self._keep(1)

    def add_paper(self, paper: Paper) -> None:
        self.papers.append(paper)
        self._keep(len(paper.hashes))
        self._match_exactly(paper)

    def finish(self) -> None:
        """After the last access unit: papers that fitted nothing when they came are tried again, and then by their anchor alone. One that
        came before any GOP tells of what was cut off, also where a frozen picture repeats it bit by bit."""
        papers = [paper for paper in self.papers if paper.begun]
        for paper in papers:
            if paper.gop is None:
                self._match_exactly(paper)
        for paper in papers:
            if paper.gop is None and paper.listed and not paper.partial:
                free = [gop for gop in self._by_anchor.get(paper.anchor, ())[-_MOST_CANDIDATES:] if gop.document is None]
                if free:
                    self._assign(paper, min(free, key=lambda gop: abs(paper.begun - 1 - gop.number)), exact=False)

    def _match_exactly(self, paper: Paper) -> None:
        for gop in self._candidates(paper):
            if gop.document is not None:
                continue
            if gop.fits(paper.hashes) if paper.listed else gop.gop_hash() == paper.gop_hash and not gop.overflow:
                self._assign(paper, gop, exact=True)
                return

    def _candidates(self, paper: Paper) -> list[Gop]:
        """Nearest first."""
        if paper.listed:
            return self._by_anchor.get(paper.anchor, [])[: -_MOST_CANDIDATES - 1 : -1]
        return self.gops[max(0, paper.begun - 2) : paper.begun][::-1]

    def _assign(self, paper: Paper, gop: Gop, *, exact: bool) -> None:
        paper.gop, gop.document, gop.exact = gop, paper, exact
        paper.anchor = gop.anchor
        if exact and gop.number < len(self.gops) - 1:
            self._forget(gop)

    def _forget(self, gop: Gop) -> None:
        """The hashes of a GOP that is over and fits its document."""
        self._kept -= gop.count + (len(gop.document.hashes) if gop.document else 0)
        gop.first_slices, gop.slices = array("I"), bytearray()
        if gop.document:
            gop.document.hashes = ()

    def _keep(self, count: int) -> None:
        self._kept += count
        if self._kept > MOST_HASHES:
            raise IntegrityError(
                f"{self._name}: more than {MOST_HASHES:,} pieces of pictures without a signature", remedy="verify it in parts"
            )
