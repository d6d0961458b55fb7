"""What is fuzzed: each target takes any bytes and may raise nothing. Where there is a second reader, both must agree.

A target's name is that of its folder of seeds. `tests/fuzz/run.py` drives them by coverage; `tests/fuzz/test_corpus.py` replays the seeds.
"""

from __future__ import annotations

import tempfile
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from edge.bmff.index import INDEX_MAGIC, TRAILER_BYTES, SegmentIndex, TailNeeds, decode_tail
from edge.bmff.init import read_init
from edge.bmff.nal import split, stored, unescape
from edge.bmff.params import parameter_sets, read_sample_entry
from edge.bmff.run import read_run
from edge.bmff.sps import read_sps
from edge.bmff.walk import walk
from edge.errors import IntegrityError
from edge.messages.package import CHECKPOINT_TYPE, SIGNATURE_NAME, STATEMENT_NAME, STATEMENT_TYPE
from edge.messages.stream import Codec
from edge.seal.container import open_bytes
from edge.seal.containers import open_film
from edge.seal.jws import BadJws, read_compact, read_detached, verify
from edge.seal.onvif import MalformedSei, hashes_of, read_sei
from edge.seal.trust import Roots, check_chain
from tests.support.memory_file import memory_file
from tests.support.oracle import containers as oracle_containers
from tests.support.oracle import signing_sei
from tests.support.oracle.judge import facts_of
from tests.support.oracle.nal_units import from_annexb, from_lengths, without_prevention
from tests.support.verdicts import judged, judged_bytes

CODECS: tuple[Codec, ...] = ("h264", "h265")
ROOT = Path(__file__).parent / "root.pem"
"""Of the town that the seeds' node belongs to."""
_ROOTS = Roots(())
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


def segment(data: bytes) -> None:
    """The walker over a segment nobody vouches for, and the index box it ends with."""

    def read(offset: int, length: int) -> bytes:
        assert offset >= 0
        assert length >= 0
        return data[offset : offset + length]

    found = walk(read, len(data))
    looked = walk(read, len(data), check_payload=False)
    assert looked.sealed == found.sealed
    end = 0
    for entry in found.index.fragments:
        assert end <= entry.offset < entry.offset + entry.length <= found.good_end <= len(data)
        end = entry.offset + entry.length
    assert all(0 <= start < start + length <= len(data) for start, length in found.damaged)
    with suppress(IntegrityError):
        tail = decode_tail(data, len(data))
        assert not isinstance(tail, TailNeeds)
        _index_is_usable(tail)


def tables(data: bytes) -> None:
    """What stands behind check sums, with sound ones: the index box, and a fragment's run."""
    head = (len(data) + 4 + TRAILER_BYTES).to_bytes(4, "big") + data[4:]
    body = head[: len(data)]
    tail = body + zlib.crc32(body).to_bytes(4, "big") + INDEX_MAGIC + (len(body) + 4 + TRAILER_BYTES).to_bytes(8, "big")
    for before in (0, 1 << 16, 1 << 40):
        with suppress(IntegrityError):
            found = decode_tail(tail, before + len(tail))
            assert isinstance(found, SegmentIndex)
            _index_is_usable(found)
    run = read_run(data, len(data))
    assert run is None or sum(run.sizes) == run.data_length


def _index_is_usable(index: SegmentIndex) -> None:
    for place in range(len(index.fragments)):
        assert sum(index.fragment_sizes(place)) == index.fragments[place].data_length
        index.fragment_durations(place)
        index.fragment_ctos(place)
    assert index.duration_ticks >= 0
    assert len(index.times_sha256) == 64


def film(data: bytes) -> None:
    """A file of any container, its access units read to the end."""
    with memory_file(data) as path, open_bytes(path) as source, suppress(IntegrityError):
        found = open_film(source)
        for unit in found.units:
            assert not any(len(nal) == 0 for nal in unit.nals)
            for nal in unit.nals:
                with suppress(MalformedSei):
                    read_sei(found.codec, nal)


def verdict(data: bytes) -> None:
    """The whole verifier on a film; where it vouches for pictures, the oracle must find them signed."""
    root = ROOT.read_bytes()
    found = judged_bytes(data, root)
    if found.verdict in ("AUTHENTIC", "AUTHENTIC WITH GAPS"):
        with suppress(AssertionError, IndexError, ValueError, StopIteration, KeyError):
            stream = oracle_containers.open_bytes(data, "h264" if data[4:5] in (b"\x67", b"\x27") else "h265")
            if not facts_of(stream, root).all_proven:
                raise Untrue(found)


def package(data: bytes) -> None:
    """clip.json, its signature and a film, behind their lengths."""
    parts, at = [], 0
    for _ in range(3):
        length = int.from_bytes(data[at : at + 2], "big")
        parts.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    with tempfile.TemporaryDirectory(dir=_MEMORY) as name:
        for part, file in zip(parts, (STATEMENT_NAME, SIGNATURE_NAME, "film.mp4"), strict=True):
            (Path(name) / file).write_bytes(part)
        judged(Path(name), ROOT.read_bytes())


class Untrue(Exception):
    """The product vouches for what the oracle does not find signed."""


def init(data: bytes) -> None:
    """ftyp and moov, and what they say about the parameter sets."""
    found = read_init(data)
    assert found is None or 0 < found.length <= len(data)
    read_sample_entry(data)


def nals(data: bytes) -> None:
    """Annex B and length-prefixed NAL units, and the parameter sets in them."""
    units = split(data)
    assert [bytes(unit) for unit in units] == from_annexb(data)
    lengths = stored(data)
    plain = from_lengths(data, 4)
    assert lengths is None or plain == [cut for cut in (bytes(nal).rstrip(b"\0") for nal in lengths) if cut]
    assert unescape(data) == without_prevention(data)
    for codec in CODECS:
        sets = parameter_sets(codec, units)
        if sets is not None:
            again = read_sample_entry(sets.sample_entry(*(sets.size() or (0, 0))))
            assert again == sets
        read_sps(codec, data)
        hashes_of(codec, [units])


def sei(data: bytes) -> None:
    """A signing SEI, by both readers."""
    for codec in CODECS:
        try:
            ours = read_sei(codec, data)
        except MalformedSei:
            ours = None
        theirs = None
        if data and signing_sei.has_uuid(codec, data):
            with suppress(signing_sei.Unreadable):
                theirs = signing_sei.read(codec, data)
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            assert (ours.signed, ours.signature) == (theirs["signed"], theirs["signature"])
            assert ours.document.hashes == tuple(theirs.get("hashes", ()))


def statement(data: bytes) -> None:
    """Header, payload, signature and PEM behind each other, as a JWS, compact and detached; and the bytes as they are."""
    header, payload, signature, pem = (data.split(b"\n\n", 3) + [b""] * 3)[:4]
    compact = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload, signature))
    detached = b".".join((compact.split(b".")[0], b"", compact.split(b".")[2]))
    for typ in (STATEMENT_TYPE, CHECKPOINT_TYPE):
        for token in (compact, data):
            with suppress(BadJws):
                verify(read_compact(token, typ), pem)
        with suppress(BadJws):
            assert not verify(read_detached(detached, typ, payload + b"!"), pem)


def certificates(data: bytes) -> None:
    """A chain of PEM certificates."""
    assert not check_chain(data, _ROOTS, None).trusted


TARGETS: dict[str, Callable[[bytes], None]] = {
    "segment": segment,
    "tables": tables,
    "mp4": film,
    "matroska": film,
    "annexb": film,
    "verify": verdict,
    "package": package,
    "init": init,
    "nals": nals,
    "sei": sei,
    "statement": statement,
    "certificates": certificates,
}
