"""edge/seal/stream.py: what is told of GOPs, documents, spans and times. Where the attack table has a row, here is what is near it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from edge.bmff.nal import split
from edge.clock import NS_PER_S
from edge.messages.stream import Packet
from edge.seal.onvif import SIGNING_UUID, Document, escape
from edge.seal.signatures import names_node
from edge.seal.signer import Identity
from edge.seal.trust import Roots, read_roots
from edge.seal.verification import Verification
from edge.seal.verify import verify
from tests.support.footage import BOOT_NS
from tests.support.identities import MemorySigner, Town, identity_of
from tests.support.signed import changed, insert, later, sei_of, sign_span, with_nals, write_clip
from tests.support.video import encode, gops

Change = Callable[[int, Document], Document]


@lru_cache
def town() -> Town:
    return Town()


@lru_cache
def node() -> Identity:
    return identity_of(town(), "pole-17")


@lru_cache
def roots() -> Roots:
    return read_roots(town().root)


def packets(frames: int = 126) -> list[Packet]:
    return encode(frames=frames)


def retimed(stream: list[Packet]) -> list[Packet]:
    """On one timeline of 25 pictures a second."""
    step = NS_PER_S // 25
    return [msgspec.structs.replace(each, dts_ns=n * step, pts_ns=n * step, boot_ns=BOOT_NS + n * step) for n, each in enumerate(stream)]


def judged(tmp_path: Path, stream: list[Packet], trust: Roots | None = None) -> Verification:
    path = tmp_path / "clip.mp4"
    path.write_bytes(write_clip(retimed(stream)))
    return verify(path, trust or roots())


def codes(found: Verification, effect: str = "contradicts") -> set[str]:
    return {reason.code for reason in found.reasons if reason.effect == effect}


def gaps(found: Verification) -> list[tuple[str, int, int]]:
    return [(gap.why, gap.gops, gap.pictures) for gap in found.gaps]


def signed(change: Change = lambda number, document: document) -> list[Packet]:
    return sign_span(packets(), node(), change=change).packets


def without(stream: list[Packet], *places: int) -> list[Packet]:
    return [each for number, each in enumerate(stream) if number not in places]


def test_the_link_proves_the_key_picture_of_a_gop_without_signature(tmp_path: Path) -> None:
    found = judged(tmp_path, sign_span(packets(), node(), unsigned={2}).packets)
    assert (found.verdict, found.frames.verified, found.frames.unverifiable) == ("PARTLY VERIFIED", 100, 25)
    assert found.counters.contiguous
    assert codes(found) == set()


def test_another_key_picture_in_a_gop_without_signature_is_caught_by_the_link(tmp_path: Path) -> None:
    stream = sign_span(packets(), node(), unsigned={2}).packets
    edited = changed(stream, 50, lambda nals: [*nals[:-1], nals[-1][:-1] + bytes((nals[-1][-1] ^ 4,))])
    found = judged(tmp_path, edited)
    assert (found.verdict, codes(found)) == ("NOT AUTHENTIC", {"idr_altered"})


@pytest.mark.parametrize("head", [True, False])
def test_another_key_picture_in_the_first_gop_of_a_cut_is_caught(tmp_path: Path, head: bool) -> None:
    """With the SEI in front of it the counter tells; without, its other pictures do."""
    stream = signed()[25:]
    if not head:
        stream = [_unsigned(stream[0]), *stream[1:]]
    edited = changed(stream, 0, lambda nals: [*nals[:-1], nals[-1][:-1] + bytes((nals[-1][-1] ^ 4,))])
    found = judged(tmp_path, edited)
    assert (found.verdict, codes(found)) == ("NOT AUTHENTIC", {"idr_altered"})


def _nals(packet: Packet) -> list[bytes]:
    return [bytes(nal) for nal in split(packet.data)]


def _unsigned(packet: Packet) -> Packet:
    return with_nals(packet, [nal for nal in _nals(packet) if SIGNING_UUID not in nal])


def test_the_first_gop_of_a_span_cut_out_is_a_cut_head(tmp_path: Path) -> None:
    found = judged(tmp_path, signed()[25:])
    assert (found.verdict, found.counters.first, gaps(found)) == ("AUTHENTIC", 2, [])


def test_a_gop_cut_out_takes_the_proof_of_the_one_before_with_it(tmp_path: Path) -> None:
    groups = gops(signed())
    stream = [each for number, group in enumerate(groups) if number != 2 for each in group]
    found = judged(tmp_path, stream)
    assert (found.verdict, gaps(found)) == ("PARTLY VERIFIED", [("gops_missing", 1, 0)])
    assert (found.frames.verified, found.frames.unverifiable) == (75, 25)
    assert not found.counters.contiguous


def test_a_gop_before_which_nothing_is_signed_cut_out_right_behind_it(tmp_path: Path) -> None:
    """The first GOP of the span stays, the second is cut out: the second's document links to the first's key picture."""
    groups = gops(signed())
    found = judged(tmp_path, [each for number, group in enumerate(groups) if number != 1 for each in group])
    assert (found.verdict, codes(found)) == ("PARTLY VERIFIED", set())
    assert gaps(found) == [("gops_missing", 1, 0)]


def test_dropped_pictures_are_counted(tmp_path: Path) -> None:
    found = judged(tmp_path, without(signed(), 30, 31, 60))
    assert (found.verdict, found.frames.verified, found.frames.missing) == ("AUTHENTIC WITH GAPS", 122, 3)
    assert gaps(found) == [("pictures_missing", 0, 2), ("pictures_missing", 0, 1)]


def test_a_gop_that_stands_twice_without_its_signature_is_inserted(tmp_path: Path) -> None:
    groups = gops(signed())
    stream = [*groups[0], _unsigned(groups[1][0]), *groups[1][1:], *groups[1], *[each for group in groups[2:] for each in group]]
    found = judged(tmp_path, stream)
    assert found.verdict == "NOT AUTHENTIC"
    assert codes(found) & {"gop_inserted", "order"}


def test_equal_gops_are_told_apart_by_their_documents(tmp_path: Path) -> None:
    """A still scene encoded by a deterministic encoder."""
    one = gops(packets(25))[0]
    found = judged(tmp_path, sign_span(retimed([*one, *one, *one, *one[:1]]), node()).packets)
    assert (found.verdict, found.frames.verified) == ("AUTHENTIC", 75)


def test_spans_in_one_file_are_a_gap_and_their_order_is_told_by_time(tmp_path: Path) -> None:
    first = sign_span(packets(75), node())
    second = sign_span(later(packets(51), 3600 * NS_PER_S), node(), before=first.last)
    found = judged(tmp_path, [*first.packets, *second.packets])
    assert (found.verdict, gaps(found), found.counters.spans) == ("AUTHENTIC WITH GAPS", [("other_span", 0, 0)], 2)
    assert (found.gaps[0].start, found.gaps[0].end) == ("2026-11-22T13:25:03.120Z", "2026-11-22T14:25:00.120Z")
    swapped = judged(tmp_path, [*second.packets[:50], *first.packets, *second.packets[50:]])
    assert (swapped.verdict, "order" in codes(swapped)) == ("NOT AUTHENTIC", True)


def _shifted(by: dict[int, float]) -> Change:
    """From GOP n on the clock is so many seconds off."""

    def change(number: int, document: Document) -> Document:
        off = round(by.get(max((each for each in by if each <= number), default=-1), 0.0) * NS_PER_S)
        assert document.start_utc_ns is not None
        assert document.end_utc_ns is not None
        return replace(document, start_utc_ns=document.start_utc_ns + off, end_utc_ns=document.end_utc_ns + off)

    return change


def test_a_clock_set_back_is_no_forgery(tmp_path: Path) -> None:
    """Counters and links prove the order; the node's clock was corrected."""
    found = judged(tmp_path, signed(_shifted({2: -90.0})))
    assert (found.verdict, gaps(found)) == ("AUTHENTIC WITH GAPS", [("clock_set_back", 0, 0)])


def test_a_jump_of_time_that_stays_is_a_gap(tmp_path: Path) -> None:
    found = judged(tmp_path, signed(_shifted({2: 7.0})))
    assert (found.verdict, gaps(found)) == ("AUTHENTIC WITH GAPS", [("time_hole", 0, 0)])


def test_one_late_gop_of_a_network_camera_is_no_gap(tmp_path: Path) -> None:
    found = judged(tmp_path, signed(_shifted({2: 1.2, 3: 0.0})))
    assert (found.verdict, gaps(found)) == ("AUTHENTIC", [])


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.05, "AUTHENTIC"), (1.2, "NOT AUTHENTIC"), (0.5, "NOT AUTHENTIC"), (2.0, "NOT AUTHENTIC")]
)
def test_playback_at_another_speed_is_not_authentic(tmp_path: Path, factor: float, verdict: str) -> None:
    """Half a second in all is the limit: five per cent of five seconds pass."""
    path = tmp_path / "clip.mp4"
    step = round(NS_PER_S / 25 * factor)
    path.write_bytes(
        write_clip([msgspec.structs.replace(each, dts_ns=n * step, pts_ns=n * step, duration_ns=step) for n, each in enumerate(signed())])
    )
    found = verify(path, roots())
    assert (found.verdict, found.checks.timing) == (verdict, "match" if verdict == "AUTHENTIC" else "differs")


def test_footage_without_times_is_judged_without_them(tmp_path: Path) -> None:
    found = judged(tmp_path, signed(lambda number, document: replace(document, start_utc_ns=None, end_utc_ns=None)))
    assert (found.verdict, found.checks.timing, found.times.first) == ("AUTHENTIC", "not_checked", "")
    assert "validity_unknown" in codes(found, "note")


def test_other_makers_say_nothing_of_parameter_sets(tmp_path: Path) -> None:
    stream = sign_span(packets(), node(), firmware="v1", manufacturer="Other", serial="42").packets
    found = judged(tmp_path, stream)
    assert (found.verdict, found.checks.parameter_sets) == ("AUTHENTIC", "not_signed")
    assert {"parameter_sets", "other_maker"} <= set(found.not_proven)


def test_a_node_cannot_sign_for_another(tmp_path: Path) -> None:
    found = judged(tmp_path, sign_span(packets(), node(), serial="pole-18/gate").packets)
    assert (found.verdict, codes(found)) == ("NOT AUTHENTIC", {"certificate_of_other_node"})


def test_a_renewed_certificate_is_noted_and_a_foreign_key_is_not_taken(tmp_path: Path) -> None:
    renewed, foreign = town().renew("pole-17"), identity_of(Town(), "pole-17")
    key = MemorySigner(town().key_of("pole-17"))

    def stream(identity: Identity) -> list[Packet]:
        span = sign_span(packets(), node())
        replaced = sei_of(replace(span.documents[2], certificates=identity.certificates), identity)
        return [*span.packets[:75], insert(_unsigned(span.packets[75]), "h264", replaced), *span.packets[76:]]

    found = judged(tmp_path, stream(Identity(key, renewed, "")))
    assert (found.verdict, codes(found, "note")) == ("AUTHENTIC", {"other_certificate"})
    found = judged(tmp_path, stream(foreign))
    assert (found.verdict, codes(found)) == ("NOT AUTHENTIC", {"certificate_untrusted"})


def test_a_certificate_is_judged_at_the_time_of_recording(tmp_path: Path) -> None:
    def with_validity(begin: int, end: int) -> Identity:
        pem = town().certify("pole-17", None, datetime(begin, 1, 1, tzinfo=timezone.utc), datetime(end, 1, 1, tzinfo=timezone.utc))
        return Identity(MemorySigner(town().key_of("pole-17")), pem, "")

    assert judged(tmp_path, sign_span(packets(), with_validity(2026, 2027)).packets).verdict == "AUTHENTIC"
    found = judged(tmp_path, sign_span(packets(), with_validity(2024, 2026)).packets)
    assert (found.verdict, codes(found)) == ("NOT AUTHENTIC", {"certificate_not_valid_then"})


def test_a_signer_may_send_its_certificate_now_and_then(tmp_path: Path) -> None:
    seldom = judged(tmp_path, signed(lambda number, document: document if number == 2 else replace(document, certificates=b"")))
    assert seldom.verdict == "AUTHENTIC"
    never = judged(tmp_path, signed(lambda number, document: replace(document, certificates=b"")))
    assert (never.verdict, codes(never)) == ("NOT AUTHENTIC", {"certificate_missing"})


def test_without_trust_only_integrity_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(write_clip(signed()))
    found = verify(path, None)
    assert (found.verdict, codes(found, "unverifiable"), found.frames.verified) == ("PARTLY VERIFIED", {"no_trust"}, 125)
    path.write_bytes(write_clip(changed(signed(), 30, lambda nals: [nals[0][:-1] + b"\x55"])))
    assert verify(path, None).verdict == "NOT AUTHENTIC"


def test_a_film_without_signatures_is_unsigned(tmp_path: Path) -> None:
    found = judged(tmp_path, packets())
    assert (found.verdict, found.exit_code, found.signer) == ("UNSIGNED", 5, None)


def _without_list(sei: bytes, identity: Identity) -> bytes:
    """The same document in low-bitrate mode: GOP hash and no hash list."""
    raw = sei.replace(b"\0\0\3", b"\0\0")
    begin = raw.index(SIGNING_UUID)
    fields, at = bytearray(), begin + 17
    while raw[at] != 3:
        size = 3 + int.from_bytes(raw[at + 1 : at + 3], "big")
        if raw[at] != 2:
            fields += raw[at : at + size]
        at += size
    payload = raw[begin : begin + 17] + fields
    length = len(payload) + 78
    head = b"\x06\x05" + b"\xff" * (length // 255) + bytes((length % 255,)) + payload
    signature = identity.signer.sign(sha256(escape(head)).digest())
    return escape(head + b"\3" + (75).to_bytes(2, "big") + b"\1" + len(signature).to_bytes(2, "big") + signature.ljust(72, b"\1")) + b"\x80"


def test_without_a_hash_list_the_gop_hash_stands_for_the_gop(tmp_path: Path) -> None:
    def low(packet: Packet) -> Packet:
        return with_nals(packet, [_without_list(nal, node()) if SIGNING_UUID in nal else nal for nal in _nals(packet)])

    stream = [low(packet) for packet in signed()]
    found = judged(tmp_path, stream)
    assert (found.verdict, found.frames.verified) == ("AUTHENTIC", 125)
    assert judged(tmp_path, without(stream, 40)).verdict == "NOT AUTHENTIC"
    edited = changed(stream, 40, lambda nals: [nals[0][:-1] + bytes((nals[0][-1] ^ 4,))])
    assert judged(tmp_path, edited).verdict == "NOT AUTHENTIC"


def test_a_changed_key_frame_is_seen_where_the_streams_last_document_came_within_its_own_gop(tmp_path: Path) -> None:
    """As ONVIF's own signer does it: documents stand behind the next key frame, the last one at the end of its GOP."""
    bare = packets(100)
    span = sign_span(bare, node())
    behind = {place + 1: bytes(split(span.packets[place].data)[-2]) for place in (25, 50, 75)} | {99: span.last}
    ended = [insert(each, "h264", behind[place]) if place in behind else each for place, each in enumerate(bare)]
    assert judged(tmp_path, ended).verdict == "AUTHENTIC"
    for cut in (25, 50, 75):
        assert judged(tmp_path, ended[cut:]).verdict == "AUTHENTIC"
    wrong = changed(ended, 75, lambda nals: [*nals[:-1], nals[-1][:-9] + bytes((nals[-1][-9] ^ 1,)) + nals[-1][-8:]])
    for cut in (0, 25, 50, 75):
        assert judged(tmp_path, wrong[cut:]).verdict == "NOT AUTHENTIC"


def test_a_picture_shown_in_another_second_is_not_authentic(tmp_path: Path) -> None:
    """By its composition time; the times of key pictures stay."""
    stream = retimed(signed())
    late = msgspec.structs.replace(stream[30], pts_ns=stream[110].pts_ns)
    path = tmp_path / "clip.mp4"
    path.write_bytes(write_clip([*stream[:30], late, *stream[31:]]))
    found = verify(path, roots())
    assert (found.verdict, codes(found)) == ("NOT AUTHENTIC", {"shown_out_of_place"})


def test_a_second_picture_in_the_same_access_unit_of_a_kind_that_no_signature_lists_counts(tmp_path: Path) -> None:
    """H.265 TSA_N (type 2): decoders show it, ONVIF's documents leave it out."""
    span = sign_span(encode("h265", frames=76), node(), "h265")
    nals = _nals(span.packets[30])
    extra = [*nals, bytes((2 << 1, nals[-1][1])) + nals[-1][2:]]
    path = tmp_path / "clip.mp4"
    path.write_bytes(write_clip([*span.packets[:30], with_nals(span.packets[30], extra), *span.packets[31:]], "h265"))
    found = verify(path, roots())
    assert (found.verdict, found.frames.verified, found.frames.unverifiable) == ("PARTLY VERIFIED", 74, 1)


def test_signatures_without_their_pictures_prove_nothing(tmp_path: Path) -> None:
    path = tmp_path / "film.h264"
    sets = [nal for nal in _nals(signed()[25]) if nal[0] & 0x1F != 5]
    path.write_bytes(with_nals(signed()[25], sets).data)
    found = verify(path, roots())
    assert (found.verdict, found.frames.total) == ("PARTLY VERIFIED", 0)
    assert codes(found, "unverifiable") == {"nothing_verified"}


def test_a_name_that_looks_like_two_is_none() -> None:
    assert names_node("OU=cameras,CN=pole-17", "pole-17")
    assert not names_node("CN=evil\\,CN=pole-17", "pole-17")
    assert not names_node("CN=pole-171", "pole-17")


def test_a_cut_of_a_frozen_picture_is_as_authentic_as_any(tmp_path: Path) -> None:
    """Bit-identical GOPs: the document in front of the cut fits each of them."""
    one = packets(25)
    frozen = [
        msgspec.structs.replace(each, pts_ns=each.pts_ns + s * 10**9, dts_ns=each.dts_ns + s * 10**9, boot_ns=each.boot_ns + s * 10**9)
        for s in range(8)
        for each in one
    ]
    span = sign_span(frozen, node())
    path = tmp_path / "clip.mp4"
    for first, count in ((0, 7), (2, 4), (5, 2)):
        path.write_bytes(write_clip(span.whole_gops(first, count)))
        assert verify(path, roots()).verdict == "AUTHENTIC"
    path.write_bytes(write_clip(span.whole_gops(2, 4)[:-1]))
    assert verify(path, roots()).verdict == "PARTLY VERIFIED"


def test_a_camera_that_signs_by_itself_spoils_nothing(tmp_path: Path) -> None:
    """Its SEIs lie in the stream that the recorder then signs, under an authority that nobody here trusts."""
    inner = sign_span(packets(150), identity_of(Town("Camera maker"), "cam-x"), serial="X/1", manufacturer="Camera maker", firmware="9")
    outer = sign_span(inner.packets, node())
    path = tmp_path / "clip.mp4"
    path.write_bytes(write_clip(outer.whole_gops(1, 4)))
    found = verify(path, roots())
    assert (found.verdict, codes(found, "note")) == ("AUTHENTIC", {"other_signature"})
    unsigned = sign_span(inner.packets, node(), unsigned=[2])
    path.write_bytes(write_clip(unsigned.whole_gops(1, 4)))
    found = verify(path, roots())
    assert (found.verdict, codes(found)) == ("NOT AUTHENTIC", {"certificate_untrusted"})
