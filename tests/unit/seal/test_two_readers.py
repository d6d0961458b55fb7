"""edge/seal/onvif.py against the oracle: two readers written apart say the same of every signing SEI, sound or not."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.bmff.nal import unescape
from edge.messages.stream import Codec
from edge.seal.onvif import SIGNING_UUID, Document, MalformedSei, SignedDocument, Unsigned, escape, is_signing_sei, read_sei
from tests.support.depth import usually
from tests.support.oracle import signing_sei
from tests.support.oracle.make_sei import make, values
from tests.support.oracle.nal_units import with_prevention, without_prevention

CODECS: st.SearchStrategy[Codec] = st.sampled_from(("h264", "h265"))
ZEROED = st.binary(max_size=40).map(lambda data: bytes(byte if byte > 60 else byte // 20 for byte in data))
"""Rich in what emulation prevention is about: zeros, ones, twos and threes."""
HASHES = st.one_of(st.binary(min_size=32, max_size=32), ZEROED.map(lambda data: data.ljust(32, b"\0")[:32]))
TEXTS = st.text(max_size=30)
MS = 1_000_000
TICKS_1970 = 11_644_473_600 * 10_000_000

DOCUMENTS = st.builds(
    Document,
    counter=st.integers(0, 2**32 - 1),
    link=HASHES,
    hashes=st.lists(HASHES, min_size=1, max_size=40).map(tuple),
    start_utc_ns=st.none() | st.integers(1, 4_000_000_000_000).map(lambda ms: ms * MS),
    end_utc_ns=st.none() | st.integers(1, 4_000_000_000_000).map(lambda ms: ms * MS),
    firmware=TEXTS,
    serial=TEXTS,
    manufacturer=TEXTS,
    certificates=ZEROED,
    partial=st.booleans(),
)
SIGNATURES = st.binary(min_size=1, max_size=72)


@st.composite
def said_things(draw: st.DrawFn) -> dict[str, Any]:
    """Fields as the format allows them, any of them left out."""
    said: dict[str, Any] = {}
    if draw(st.booleans()):
        said |= {name: draw(TEXTS) for name in ("firmware", "serial", "manufacturer")}
    if draw(st.booleans()):
        said["certificates"] = draw(ZEROED)
    if draw(st.integers(0, 9)):
        said |= {"version": draw(st.sampled_from((1, 2))), "partial": draw(st.booleans())}
        said |= {"start": draw(st.integers(0, 2**64 - 1)), "end": draw(st.integers(0, 2**64 - 1))}
        said |= {"counter": draw(st.integers(0, 2**32 - 1)), "count": draw(st.integers(0, 2**16 - 1))}
        said |= {"gop_hash": draw(HASHES), "link": draw(HASHES)}
    if draw(st.integers(0, 9)):
        said["hashes"] = draw(st.lists(HASHES, max_size=20))
    return said


@st.composite
def seis(draw: st.DrawFn) -> tuple[Codec, bytes]:
    """Of every shape: both codecs, prefix and suffix, certificate SEIs, with and without prevention, unknown and doubled fields."""
    codec = draw(CODECS)
    tlvs = values(draw(said_things()))
    if draw(st.booleans()):
        tlvs = draw(st.permutations(tlvs))
    tlvs += draw(st.lists(st.tuples(st.integers(0, 255), ZEROED), max_size=2)) if draw(st.integers(0, 4)) == 0 else []
    place = draw(st.sampled_from(("prefix", "suffix"))) if codec == "h265" else "prefix"
    flags = draw(st.sampled_from((0, 0x40, 0x80, 0xC0)))
    nal, _signed = make(
        codec, tlvs, draw(SIGNATURES), place=place, flags=flags, prevention=draw(st.booleans()), padding=draw(st.binary(max_size=8))
    )
    return codec, nal


@st.composite
def damaged_seis(draw: st.DrawFn) -> tuple[Codec, bytes]:
    """Half of them have the right size all the same, so that readers look further."""
    codec, nal = draw(seis())
    if draw(st.booleans()):
        return codec, damaged(draw, nal)
    raw = without_prevention(nal)
    start = raw.find(SIGNING_UUID) + 17
    return codec, framed(codec, raw[start - 1 : start] + damaged(draw, raw[start:-1]), draw(st.booleans()))


def damaged(draw: st.DrawFn, sound: bytes) -> bytes:
    data = bytearray(sound)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        kind = draw(st.integers(0, 4))
        if kind <= 1:
            data[at : at + 1] = bytes((draw(st.integers(0, 255)),))
        elif kind == 2:
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == 3:
            data[at:at] = draw(ZEROED)
        else:
            del data[-at // 8 :]
    return bytes(data)


def framed(codec: Codec, data: bytes, prevention: bool = True) -> bytes:
    """A user-data SEI with the signing UUID and the size of what follows it."""
    body = SIGNING_UUID + data
    head = (b"\x06" if codec == "h264" else b"\x4e\x01") + b"\x05" + b"\xff" * (len(body) // 255) + bytes((len(body) % 255,))
    return (with_prevention(head + body) if prevention else head + body) + b"\x80"


def by_product(codec: Codec, nal: bytes) -> SignedDocument | str | None:
    """Any other exception than MalformedSei fails the test."""
    try:
        return read_sei(codec, nal)
    except MalformedSei:
        return "malformed"


def by_oracle(codec: Codec, nal: bytes) -> dict[str, Any] | str | None:
    if not nal or not signing_sei.has_uuid(codec, nal):
        return None
    try:
        return signing_sei.read(codec, nal)
    except signing_sei.Unreadable:
        return "malformed"


def utc_ns(ticks: int | None) -> int | None:
    return (ticks - TICKS_1970) * 100 if ticks is not None and ticks > TICKS_1970 else None


def assert_same(codec: Codec, nal: bytes) -> str:
    """Which of the three it was: "none", "malformed", "read"."""
    ours, theirs = by_product(codec, nal), by_oracle(codec, nal)
    if not isinstance(ours, SignedDocument) or not isinstance(theirs, dict):
        assert ours == theirs
        return "malformed" if ours else "none"
    document = ours.document
    assert ours.signed == theirs["signed"]
    assert ours.signature == theirs["signature"]
    assert document.hashes == tuple(theirs.get("hashes", ()))
    assert ours.listed == bool(theirs.get("hashes"))
    assert document.certificates == theirs.get("certificates", b"")
    texts = (document.firmware, document.serial, document.manufacturer)
    assert texts == tuple(theirs.get(name, "") for name in ("firmware", "serial", "manufacturer"))
    assert ours.general == ("counter" in theirs)
    if ours.general:
        assert (document.counter, document.partial, ours.stated_nals) == (theirs["counter"], theirs["partial"], theirs["count"])
        assert (ours.stated_gop_hash, document.link) == (theirs["gop_hash"], theirs["link"])
        assert (document.start_utc_ns, document.end_utc_ns) == (utc_ns(theirs["start"]), utc_ns(theirs["end"]))
    return "read"


@settings(max_examples=usually(200, full=1000))
@given(seis())
def test_both_readers_agree_on_sound_seis(sei: tuple[Codec, bytes]) -> None:
    assert_same(*sei)


@settings(max_examples=usually(250, full=1500))
@given(damaged_seis())
def test_both_readers_agree_on_damaged_seis(sei: tuple[Codec, bytes]) -> None:
    assert_same(*sei)


@settings(max_examples=300)
@given(CODECS, DOCUMENTS, SIGNATURES)
def test_a_document_is_read_as_it_was_written_by_both(codec: Codec, document: Document, signature: bytes) -> None:
    unsigned = Unsigned(codec, document)
    nal = unsigned.finish(signature)
    read = read_sei(codec, nal)
    assert read is not None
    assert read.document == document
    assert read.signature == signature
    assert read.stated_gop_hash == document.gop_hash
    assert read.stated_nals == len(document.hashes)
    assert assert_same(codec, nal) == "read"
    assert nal == with_prevention(without_prevention(nal)), "no start code can stand in it"


@given(CODECS, st.binary(max_size=400))
@example("h264", b"")
@example("h265", b"\x4e")
@example("h264", b"\x06\x05" + b"\xff" * 300)
@example("h264", b"\x06\x05\x10" + SIGNING_UUID + b"\x80")
def test_arbitrary_bytes_are_no_sei_or_malformed(codec: Codec, data: bytes) -> None:
    assert_same(codec, data)


@settings(max_examples=300)
@given(CODECS, st.binary(max_size=300))
def test_arbitrary_bytes_behind_the_uuid_are_malformed_or_read(codec: Codec, data: bytes) -> None:
    for nal in (framed(codec, data), framed(codec, data, prevention=False)):
        assert is_signing_sei(codec, nal)
        assert assert_same(codec, nal) in ("malformed", "read")


@settings(max_examples=usually(120, full=500))
@given(st.lists(st.one_of(ZEROED, st.binary(max_size=20))).map(b"".join))
def test_emulation_prevention_is_the_oracles_and_can_be_taken_back(data: bytes) -> None:
    escaped = escape(data)
    assert escaped == with_prevention(data)
    assert unescape(escaped) == data == without_prevention(escaped)
    assert not any(escaped[at : at + 2] == b"\0\0" and escaped[at + 2] < 3 for at in range(len(escaped) - 2))


@settings(max_examples=usually(120, full=500))
@given(st.one_of(ZEROED, st.binary(max_size=60)))
def test_taking_prevention_away_from_anything_is_what_the_oracle_does(data: bytes) -> None:
    assert unescape(data) == without_prevention(data)
