from __future__ import annotations

from hashlib import sha256

import pytest

from edge.bmff.nal import split
from edge.bmff.params import parameter_sets
from edge.messages.stream import Codec
from edge.seal.chain import Chain, Maker, anchor_of, sets_word
from edge.seal.hashing import hashes_of
from edge.seal.onvif import FIRST_LINK
from tests.support.video import encode, gops

MAKER = Maker("pole-1/cam0", "1.2.3")


def units(codec: Codec, count: int = 3) -> list[list[list[memoryview]]]:
    return [[split(packet.data) for packet in group] for group in gops(encode(codec, frames=5 * count, gop=5))]


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_each_document_links_to_the_gop_before_it(codec: Codec) -> None:
    chain = Chain(MAKER)
    documents = [chain.next(codec, gop, 10**18, 10**9, None, b"") for gop in units(codec)]
    assert all(document is not None for document in documents)
    first, second, third = (document for document in documents if document is not None)
    assert [first.counter, second.counter, third.counter] == [1, 2, 3]
    assert first.link == FIRST_LINK
    assert second.link == first.anchor
    assert third.link == second.anchor
    assert (first.start_utc_ns, first.end_utc_ns) == (10**18, 10**18 + 10**9)


def test_a_gop_without_a_document_keeps_its_number_and_is_linked_to() -> None:
    first, second, third = units("h264")
    chain = Chain(MAKER)
    chain.next("h264", first, None, 10**9, None, b"")
    assert chain.skip("h264", second) == 2
    document = chain.next("h264", third, None, 10**9, None, b"")
    assert document is not None
    assert document.counter == 3
    assert document.link == anchor_of("h264", second)
    assert document.end_utc_ns is None


def test_hashes_bind_each_slice_to_the_key_picture() -> None:
    gop = units("h264")[0]
    slices = [nal for access_unit in gop for nal in access_unit if nal[0] & 0x1F in (1, 5)]
    anchor = sha256(slices[0]).digest()
    assert hashes_of("h264", gop) == [anchor] + [sha256(anchor + sha256(nal).digest()).digest() for nal in slices[1:]]


def test_a_gop_that_begins_with_no_key_picture_has_no_document() -> None:
    gop = units("h264")[0]
    assert hashes_of("h264", gop[1:]) == []
    assert Chain(MAKER).next("h264", gop[1:], None, 10**9, None, b"") is None
    assert anchor_of("h264", gop[1:]) == b""


def test_the_firmware_names_the_parameter_sets() -> None:
    params = parameter_sets("h264", units("h264")[0][0])
    assert params is not None
    assert len(sets_word(params)) == 22
    assert MAKER.firmware(params) == f"edge-recorder 1.2.3 ps:{sets_word(params)}"
    assert MAKER.firmware(None, after_restart=True) == "edge-recorder 1.2.3 after-restart"
