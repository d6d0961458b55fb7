"""What of a pole's ring is signed, read back from its disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from edge.bmff.nal import stored
from edge.bmff.walk import walk
from edge.seal.hashing import hashes_of
from edge.seal.onvif import Document, read_sei
from tests.support.pole import Pole


@dataclass
class Stored:
    """All GOPs of a ring in the order of recording: hashes of their slices, and what rides in front of them."""

    gops: list[list[bytes]] = field(default_factory=list)
    rides: list[Document | None] = field(default_factory=list)

    def by_anchor(self) -> dict[bytes, Document]:
        return {document.anchor: document for document in self.rides if document is not None}


def read_back(pole: Pole) -> Stored:
    found = Stored()
    for name in pole.names():
        path = pole.ring / name.path
        index = walk(partial(pole.disk.read, path), pole.disk.stat(path).size).index
        for place, entry in enumerate(index.fragments):
            data = memoryview(pole.disk.read(path, entry.data_offset, entry.data_length))
            units, at = [], 0
            for size in index.fragment_sizes(place):
                nals = stored(data[at : at + size])
                assert nals is not None
                units.append(nals)
                at += size
            found.gops.append(hashes_of("h264", units))
            signed = [read for nal in units[0] if (read := read_sei("h264", nal)) is not None]
            found.rides.append(signed[0].document if signed else None)
    return found
