"""Rows of the attack table that leave the stream alone and lie in the file around it."""

from __future__ import annotations

from struct import pack

from edge.bmff.boxes import box, full_box
from edge.bmff.movie import TIMESCALE
from edge.bmff.nal import is_slice, nal_type
from edge.seal.onvif import escape
from tests.support import attacks as do
from tests.support import mkv_edit
from tests.support.attack_shapes import GAPS, NOT, PARTLY, FileChange, Row
from tests.support.mkv_edit import played_in_order, track_played
from tests.support.mp4_edit import TABLE, TRACK, box_at, edits, replaced_inside, with_box, with_box_added
from tests.support.scene import GOPS, PICTURES, Scene
from tests.support.signed import insert

_PLACE = b"\xaa"


def sps_of(scene: Scene) -> tuple[bytes, bytes]:
    """(as it is, as the attacker wants it)."""
    kind = 7 if scene.codec == "h264" else 33
    sps = next(nal for nal in do.nals_of(scene.packets[0]) if nal_type(scene.codec, nal) == kind)
    return sps, do.other_sps(scene.codec, sps)


def entry_changed(scene: Scene, data: bytes) -> bytes:
    return replaced_inside(data, (b"moov",), *sps_of(scene))


def entry_as_before(scene: Scene, data: bytes) -> bytes:
    return replaced_inside(data, (b"moov",), *reversed(sps_of(scene)))


def seconds(scene: Scene, *rows: tuple[int, int]) -> bytes:
    """Edits (from, length) in seconds."""
    return edits(*((start * TIMESCALE, length * TIMESCALE) for start, length in rows))


def with_edits(*rows: tuple[int, int]) -> FileChange:
    return lambda scene, data: with_box(data, (*TRACK, b"edts"), seconds(scene, *rows))


def second_track(scene: Scene, data: bytes, codec: bytes = b"") -> bytes:
    """A track that shows the first GOP's pictures. codec: what its sample entry calls itself; by default what it is."""
    table = _table_of_one_chunk(data)
    other = with_box(data, TABLE, table)
    track = box_at(other, TRACK)
    if codec:
        track = track.replace(box_at(data, (*TABLE, b"stsd"))[20:24], codec, 1)
    number = track.find(b"tkhd") + 4 + 20
    return with_box_added(data, (b"moov",), track[:number] + pack(">I", 2) + track[number + 4 :])


def _table_of_one_chunk(data: bytes) -> bytes:
    """The sample table of the first GOP alone."""
    sizes = box_at(data, (*TABLE, b"stsz"))[20 : 20 + 4 * PICTURES]
    first = box_at(data, (*TABLE, b"stco"))[16:20]
    return box(
        b"stbl",
        box_at(data, (*TABLE, b"stsd")),
        full_box(b"stts", 0, 0, pack(">III", 1, PICTURES, TIMESCALE // PICTURES)),
        full_box(b"stss", 0, 0, pack(">II", 1, 1)),
        full_box(b"stsc", 0, 0, pack(">IIII", 1, 1, PICTURES, 1)),
        full_box(b"stsz", 0, 0, pack(">II", 0, PICTURES), sizes),
        full_box(b"stco", 0, 0, pack(">I", 1), first),
    )


def _other_sizes(data: bytes) -> bytes:
    table = box_at(data, (*TABLE, b"stsz"))
    return table[:20] + pack(">I", 100) + table[24:]


def with_room(scene: Scene) -> do.Stream:
    """A harmless user-data SEI, as long as what is to be hidden in it."""
    length = len(hidden(scene))
    head = (b"\x06\x05" if scene.codec == "h264" else b"\x4e\x01\x05") + b"\xff" * (length // 255) + bytes((length % 255,))
    nal = head + _PLACE * length + b"\x80"
    return do.in_gop(scene.packets, 2, lambda group: [*group[:12], insert(group[12], scene.codec, nal), *group[13:]])


def hidden(scene: Scene) -> bytes:
    """Slices of another camera behind start codes."""
    return b"".join(b"\0\0\1" + nal for nal in do.nals_of(scene.foreign) if is_slice(scene.codec, nal))


def room_filled(scene: Scene, data: bytes) -> bytes:
    kept = hidden(scene)
    assert data.count(_PLACE * len(kept)) == 1
    return data.replace(_PLACE * len(kept), kept)


def mirrored(scene: Scene, data: bytes) -> bytes:
    """The matrix of the track's header, version 0 or 1 (ISO/IEC 14496-12, 8.3.2)."""
    header = box_at(data, (*TRACK, b"tkhd"))
    at = 8 + (52 if header[8] == 1 else 40)
    return with_box(data, (*TRACK, b"tkhd"), header[:at] + pack(">i", -0x10000) + header[at + 4 :])


def clean_aperture(scene: Scene, data: bytes) -> bytes:
    """The left half is shown (12.1.4)."""
    head = box_at(data, (*TABLE, b"stsd"))
    entry = head[16:]
    width = int.from_bytes(entry[32:34], "big")
    clap = box(b"clap", pack(">IIIIiIiI", width // 2, 1, 10_000, 1, -width // 4, 1, 0, 1))
    return with_box(data, (*TABLE, b"stsd"), full_box(b"stsd", 0, 0, pack(">I", 1), box(entry[4:8], entry[8:], clap)))


def mirrored_by_message(scene: Scene) -> do.Stream:
    """Display orientation (H.264 and H.265, D.2.27 and D.2.17), behind another message whose emulation prevention shifts what a careless
    reader counts."""
    before = b"\x05\x12" + bytes(16) + b"\0\0"
    message = before + b"\x2f\x03" + b"\x40\x00\x09" + b"\x80"
    head = b"\x06" if scene.codec == "h264" else b"\x4e\x01"
    nal = head + escape(message)
    return do.in_gop(scene.packets, 2, lambda group: [insert(group[0], scene.codec, nal), *group[1:]])


CLIP = ("clip",)
SHOWN = GOPS - 1

FILE_ROWS = [
    Row(
        name="SPS changed in the stream",
        changed="another level in every SPS in front of a key frame; the sample entry keeps the true one",
        verdict=NOT,
        why="the SEIs name the digest of the parameter sets",
        stream=lambda s: do.with_sps_changed(s.codec, s.packets),
        file=entry_as_before,
    ),
    Row(
        name="SPS changed in the sample entry",
        changed="the other way round",
        verdict=NOT,
        why="the SEIs name the digest of the parameter sets",
        file=entry_changed,
    ),
    Row(
        name="SPS changed everywhere",
        changed="both",
        verdict=NOT,
        why="the SEIs name the digest of the parameter sets",
        stream=lambda s: do.with_sps_changed(s.codec, s.packets),
    ),
    Row(
        name="Edit list: another order",
        changed="players are told to show the last three seconds first; the pictures stand as signed",
        verdict=NOT,
        why="what is shown is not in the order that was signed",
        file=with_edits((3, 3), (0, 3)),
        forms=CLIP,
    ),
    Row(
        name="Edit list: shown twice",
        changed="players are told to show the second second twice",
        verdict=NOT,
        why="what is shown is not in the order that was signed",
        file=with_edits((0, 2), (1, SHOWN - 1)),
        forms=CLIP,
    ),
    Row(
        name="Edit list: a second left out",
        changed="players are told to skip the third second; its pictures are there",
        verdict=GAPS,
        why="what is shown is proven and has a hole, as if the pictures had been cut out",
        file=with_edits((0, 2), (3, SHOWN - 3)),
        forms=CLIP,
    ),
    Row(
        name="Edit list: a second one",
        changed="behind the true edit list another one, which shows the first second alone; FFmpeg obeys the last, others the first",
        verdict=PARTLY,
        why="what a player shows is the player's choice",
        file=lambda s, data: with_box_added(data, TRACK, edits((0, TIMESCALE))),
        forms=CLIP,
    ),
    Row(
        name="Sample sizes: a second table",
        changed="behind the true table of sizes another one, by which players cut other pictures out of the same bytes",
        verdict=PARTLY,
        why="what a player shows is the player's choice",
        file=lambda s, data: with_box_added(data, TABLE, _other_sizes(data)),
        forms=CLIP,
    ),
    Row(
        name="Second video track of another codec",
        changed="another track in the same file that says it is Motion JPEG",
        verdict=PARTLY,
        why="one track is proven; which of them a player shows is the player's choice",
        file=lambda s, data: second_track(s, data, b"jpeg"),
        forms=CLIP,
    ),
    Row(
        name="Parameter sets slipped in",
        changed="another SPS in front of a P picture, away from every key frame",
        verdict=NOT,
        why="the SEIs name the digest of the parameter sets",
        stream=lambda s: do.in_gop(s.packets, 2, lambda group: [*group[:12], insert(group[12], s.codec, sps_of(s)[1]), *group[13:]]),
    ),
    Row(
        name="Second video track",
        changed="another track in the same file, of pictures from the first one",
        verdict=PARTLY,
        why="one track is proven; which of them a player shows is the player's choice",
        file=second_track,
        forms=CLIP,
    ),
    Row(
        name="Mirrored by the header",
        changed="the track's matrix tells players to mirror each picture",
        verdict=PARTLY,
        why="the pictures are proven; nothing speaks for the way they are shown",
        file=mirrored,
        forms=CLIP,
    ),
    Row(
        name="Cropped by the header",
        changed="a clean aperture tells players to show the left half",
        verdict=PARTLY,
        why="as above",
        file=clean_aperture,
        forms=CLIP,
    ),
    Row(
        name="Mirrored by a message in the stream",
        changed="an unsigned SEI of display orientation, hidden behind one of user data",
        verdict=PARTLY,
        why="as above; so is film with an SEI that crops, rearranges or recolours, also from a camera that sends such",
        stream=mirrored_by_message,
        forms=CLIP,
    ),
    Row(
        name="Matroska: mirrored",
        changed="a projection with a yaw of half a turn",
        verdict=PARTLY,
        why="as above",
        file=lambda s, data: mkv_edit.mirrored(data),
        forms=("matroska",),
    ),
    Row(
        name="Matroska: cropped",
        changed="a hundred columns at the left are not shown",
        verdict=PARTLY,
        why="as above",
        file=lambda s, data: mkv_edit.cropped(data, 100),
        forms=("matroska",),
    ),
    Row(
        name="Matroska: another clock for the track",
        changed="the track's time stamps count 1.5 times as much (TrackTimestampScale: FFmpeg obeys within a cluster, others do not)",
        verdict=PARTLY,
        why="what a player shows is the player's choice",
        file=lambda s, data: track_played(data, 1.5),
        forms=("matroska",),
    ),
    Row(
        name="Matroska: ordered chapters",
        changed="players that know them show the last three seconds first",
        verdict=PARTLY,
        why="what a player shows is the player's choice",
        file=lambda s, data: played_in_order(data, (3, 6), (0, 3)),
        forms=("matroska",),
    ),
    Row(
        name="Picture hidden in an unsigned unit",
        changed="a user-data SEI with start codes and a slice of another camera in it; players that cut at start codes show it",
        verdict=PARTLY,
        why="no sound unit has a start code in it: two readers see two films, and nothing speaks for one of them",
        stream=with_room,
        file=room_filled,
        forms=CLIP,
    ),
]
