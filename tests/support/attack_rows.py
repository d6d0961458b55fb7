"""The attack table: what somebody does, what the verifier has to answer, and why that is the right answer. docs/attacks.md is made from it.

Verdicts follow one rule. What contradicts a signature: NOT AUTHENTIC. What nothing speaks for: PARTLY VERIFIED. What is signed and absent,
while everything present is proven: AUTHENTIC WITH GAPS. No signatures at all: UNSIGNED. The worst one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from edge.seal.signer import Identity
from tests.support import attacks as do
from tests.support.attack_files import FILE_ROWS
from tests.support.attack_packages import PACKAGE_ROWS, PackageRow
from tests.support.attack_shapes import AUTHENTIC, GAPS, NOT, PARTLY, UNSIGNED, Row, StreamChange
from tests.support.identities import Town
from tests.support.scene import GOPS, Scene
from tests.support.signed import sign_span
from tests.support.town import issued, self_signed, town
from tests.support.video import gops

LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)


def stream(name: str, changed: str, verdict: str, why: str, change: StreamChange) -> Row:
    return Row(name=name, changed=changed, verdict=verdict, why=why, stream=change)


def sei_bit(where: str, verdict: str = NOT, why: str = "") -> Row:
    return stream(
        f"SEI: a bit in its {where}",
        f"one bit of the {where} in the third SEI",
        verdict,
        why or "the SEI is signed as a whole: its signature does not fit any more",
        lambda s: do.with_sei_changed(s.codec, s.packets, 3, do.sei_bit(where)),
    )


def picture_bit(name: str, gop: int, picture: int) -> Row:
    return stream(
        f"Bit flipped in {name}",
        f"one bit in the middle of the coded data of picture {picture + 1} of a GOP",
        NOT,
        "its hash is not the one that was signed",
        lambda s: do.with_slice_bit_flipped(s.codec, s.packets, gop, picture),
    )


def picture_lost(name: str, picture: int) -> Row:
    return stream(
        f"P picture dropped: {name} of a GOP",
        f"picture {picture + 1} of the third GOP",
        GAPS,
        "its hash is listed and nothing in the file has it; all that is there is proven",
        lambda s: do.without_picture(s.packets, 2, picture),
    )


def slowed(name: str, times: float) -> Row:
    return stream(
        f"Timing rewritten: {name}",
        f"every picture lasts {times} times as long",
        NOT,
        "signed are the times at which each GOP begins and ends (within 5 seconds 10 % could be a coarse clock: longer films tell)",
        lambda s: do.slowed(s.packets, times),
    )


def _signed_by(issue: Callable[[], Identity], scene: Scene) -> do.Stream:
    return sign_span(scene.raw, issue(), scene.codec).packets


GOP_ROWS = [
    stream("Nothing", "nothing: the control", AUTHENTIC, "every picture is vouched for", lambda s: s.packets),
    stream(
        "GOP dropped",
        "the third GOP is cut out, with the SEI of the second that rides in it",
        PARTLY,
        "the counter jumps; and the GOP in front of the hole has lost its SEI, so nothing speaks for it",
        lambda s: do.without_gops(s.packets, 2),
    ),
    stream(
        "GOP dropped, SEIs kept",
        "the third GOP is cut out; the SEI that rode in it rides on",
        GAPS,
        "the counter jumps and the link leads to a GOP that is not there; all that is there is proven",
        lambda s: do.without_gops_but_their_seis(s.codec, s.packets, 2),
    ),
    stream(
        "Two GOPs dropped, SEIs kept",
        "the third and fourth GOP",
        GAPS,
        "as with one",
        lambda s: do.without_gops_but_their_seis(s.codec, s.packets, 2, 2),
    ),
    stream(
        "GOPs swapped",
        "the third and fourth GOP change places, SEIs with them",
        NOT,
        "counters run backwards and links lead to another GOP",
        lambda s: do.with_gops_swapped(s.packets, 2, 3),
    ),
    stream(
        "GOPs swapped under their SEIs",
        "the pictures of the third and fourth GOP change places, SEIs stay",
        NOT,
        "each SEI stands behind pictures of which it has no hash",
        lambda s: do.with_pictures_swapped_but_not_seis(s.codec, s.packets, 2, 3),
    ),
    stream("GOP duplicated", "the third GOP stands twice", NOT, "a counter stands twice", lambda s: do.with_gop_twice(s.packets, 2)),
    stream(
        "Head cut",
        "the first two GOPs",
        AUTHENTIC,
        "a cut is no forgery: what is there is proven, and the print-out says with which GOP it begins. A package tells more",
        lambda s: do.without_gops(s.packets, 0, 2),
    ),
    stream(
        "Head cut within a GOP",
        "the first ten pictures, with the IDR picture",
        PARTLY,
        "pictures in front of the first IDR picture cannot be tied to a GOP",
        lambda s: do.headless(s.codec, s.packets, 10),
    ),
    Row(
        name="Tail cut",
        changed="the last two GOPs; the file ends with pictures whose SEI would come next",
        verdict=PARTLY,
        why="nothing in the file speaks for the last GOP",
        stream=lambda s: do.without_gops(s.packets, GOPS - 2, 2),
        closed=False,
    ),
    stream(
        "Tail cut behind a key frame",
        "the last two GOPs, but for the picture that carries the last SEI",
        AUTHENTIC,
        "what is shown is proven; the file says where it ends, and a package says where it should",
        lambda s: do.without_gops(s.packets, GOPS - 1),
    ),
    Row(
        name="Head and tail cut",
        changed="both",
        verdict=PARTLY,
        why="as a cut tail",
        stream=lambda s: do.without_gops(do.without_gops(s.packets, GOPS - 2, 2), 0, 2),
        closed=False,
    ),
]

SEI_ROWS = [
    stream(
        "SEI dropped",
        "that of the third GOP",
        PARTLY,
        "nothing speaks for the third GOP; its neighbours hold",
        lambda s: do.with_sei_changed(s.codec, s.packets, 3, lambda nal: None),
    ),
    stream(
        "All SEIs dropped",
        "every signing SEI",
        UNSIGNED,
        "whoever can cut can cut all: absence proves nothing either way",
        lambda s: do.without_seis(s.codec, s.packets),
    ),
    sei_bit("uuid", PARTLY, "it is no signing SEI any more: as if it had been dropped"),
    *(sei_bit(where) for where in ("text", "certificate", "start", "counter", "gop hash", "link", "hash list", "signature")),
    stream(
        "SEI moved",
        "that of the third GOP stands two GOPs later",
        AUTHENTIC,
        "it names its GOP by hash wherever it stands; the pictures are as signed",
        lambda s: do.with_sei_elsewhere(s.codec, s.packets, 3, 5),
    ),
    stream(
        "SEI of another node",
        "in place of the third one, well signed by a node of the same town",
        NOT,
        "it speaks of other pictures, another camera and another key",
        lambda s: do.with_sei_changed(s.codec, s.packets, 3, lambda nal: do.sei_of(s.codec, gops(s.elsewhere.packets)[3][0])),
    ),
    stream(
        "SEI of another time",
        "the second SEI stands in the place of the third as well",
        NOT,
        "it speaks of the second GOP; the third is not it",
        lambda s: do.with_sei_changed(s.codec, s.packets, 3, lambda nal: do.sei_of(s.codec, gops(s.packets)[2][0])),
    ),
    stream(
        "Certificate replaced",
        "in every SEI, by that of another node of the same town",
        NOT,
        "the certificate stands in what is signed, and its key is another one",
        lambda s: [do.each_nal(packet, lambda nal: do.with_other_certificate(s.codec, nal)) for packet in s.packets],
    ),
    stream(
        "Foreign authority",
        "the whole film signed by a key of another authority of the same name",
        NOT,
        "names do not count: no trusted authority signed that certificate",
        lambda s: _signed_by(lambda: issued(Town("Gmina Testowo"), "pole-17"), s),
    ),
    stream(
        "Self-signed",
        "the whole film signed by a key that vouches for itself",
        NOT,
        "no trusted authority signed that certificate",
        lambda s: _signed_by(lambda: self_signed("pole-17"), s),
    ),
    stream(
        "Expired leaf",
        "signed with a certificate of the right authority that had ended five years before",
        NOT,
        "it was not valid when the footage says it was recorded",
        lambda s: _signed_by(lambda: issued(town(), "pole-17", LONG_AGO, LONG_AGO.replace(year=2021)), s),
    ),
]

PICTURE_ROWS = [
    picture_bit("an I picture", 2, 0),
    picture_bit("the first P picture", 2, 1),
    picture_bit("a later P picture", 2, 12),
    picture_bit("the last P picture", 2, 24),
    picture_lost("first", 1),
    picture_lost("middle", 12),
    picture_lost("last", 24),
    stream(
        "IDR picture dropped",
        "the first picture of the third GOP, its SEI kept",
        NOT,
        "its P pictures stand behind the second GOP, which does not list them",
        lambda s: do.without_idr(s.codec, s.packets, 2),
    ),
    stream(
        "Picture inserted",
        "a P picture of another camera, well signed there",
        NOT,
        "the SEI of this GOP does not list it",
        lambda s: do.with_picture(s.packets, 2, 12, s.foreign),
    ),
    stream(
        "Picture replaced",
        "by a P picture of another camera",
        NOT,
        "the SEI of this GOP does not list it",
        lambda s: do.without_picture(do.with_picture(s.packets, 2, 12, s.foreign), 2, 13),
    ),
    stream(
        "Pictures swapped",
        "two P pictures of a GOP",
        NOT,
        "hashes are listed in decoding order",
        lambda s: do.with_pictures_in_other_order(s.packets, 2, 10, 15),
    ),
    stream(
        "Slice added to a picture",
        "a slice of another camera, which a decoder draws over the picture",
        NOT,
        "the SEI of this GOP does not list it",
        lambda s: do.with_slice_added(s.codec, s.packets, 2, 12, s.foreign),
    ),
    Row(
        name="Picture of a kind that is not signed",
        changed="a picture of another camera inserted as TSA_N, a kind that ONVIF's signatures leave out and decoders show",
        verdict=PARTLY,
        why="nothing speaks for it, and no signature could",
        stream=lambda s: do.with_picture(s.packets, 2, 12, do.as_uncovered_kind(s.foreign)),
        codecs=("h265",),
    ),
]

TIME_ROWS = [
    slowed("10 % slower", 1.1),
    slowed("half speed", 2.0),
    slowed("10 % faster", 0.9),
    stream(
        "Timing rewritten: one GOP stretched",
        "the third GOP lasts twice as long",
        NOT,
        "its signed beginning and end are one second apart",
        lambda s: do.with_gop_stretched(s.packets, 2, 2.0),
    ),
    stream(
        "Spans joined in order",
        "two recordings of one camera, ten seconds apart, in one file without the pause",
        GAPS,
        "the second one's first SEI closes the first one; counters begin anew and the signed times leave ten seconds out",
        lambda s: do.retimed([*s.packets, *s.after.packets]),
    ),
    stream(
        "Spans joined in reverse",
        "the later recording first",
        NOT,
        "the signed times run backwards",
        lambda s: do.retimed([*s.after.packets, *s.packets]),
    ),
    stream(
        "Two cameras joined",
        "three GOPs of one camera, then the fourth and on of another camera of the node",
        NOT,
        "the counter runs on, and the link leads to pictures of the other camera; the serial is another one",
        lambda s: do.retimed([*do.joined(gops(s.packets)[:3]), *do.joined(gops(s.yard.packets)[3:])]),
    ),
]


@dataclass(frozen=True)
class Section:
    title: str
    rows: Sequence[Row | PackageRow]


SECTIONS = (
    Section("GOPs", GOP_ROWS),
    Section("Signatures", SEI_ROWS),
    Section("Pictures", PICTURE_ROWS),
    Section("Time and joins", TIME_ROWS),
    Section("The file around the pictures", FILE_ROWS),
    Section("Packages", PACKAGE_ROWS),
)
