"""What the centre knows of its nodes, and a clip as the asker sees it."""

from __future__ import annotations

import threading

import msgspec
import pytest

from edge.centre.asked import Asked
from edge.centre.roster import Roster
from edge.link.topics import ALARM, HEALTH, MOTION, STATUS, Address
from edge.messages.clip import JobProgress
from edge.messages.wire import Motion, Response, Status

NOW = "2026-11-22T12:00:00.000Z"


def status(session: int, *, online: bool) -> bytes:
    state, why = ("online", "boot") if online else ("offline", "will")
    return msgspec.json.encode(Status(state=state, why=why, boot="b", session=session, t=NOW))  # type: ignore[arg-type]


def test_an_old_will_cannot_hide_a_newer_birth() -> None:
    roster = Roster()
    place = Address("pole-1", STATUS, "")
    roster.take(place, status(7, online=True), NOW)
    assert roster.take(place, status(6, online=False), NOW) is None
    assert roster.views["pole-1"].online
    roster.take(place, status(7, online=False), NOW)
    assert not roster.views["pole-1"].online


def test_a_node_that_counts_its_sessions_anew_is_seen() -> None:
    roster = Roster()
    place = Address("pole-1", STATUS, "")
    roster.take(place, status(500, online=False), NOW)
    roster.take(place, status(1, online=True), NOW)
    assert roster.views["pole-1"].online


def test_properties_of_one_node_are_gathered() -> None:
    roster = Roster()
    for camera in ("a", "b"):
        motion = Motion(active=camera == "a", id="1", since=NOW, score=0.5)
        roster.take(Address("pole-1", MOTION, camera), msgspec.json.encode(motion), NOW)
    roster.take(Address("pole-1", HEALTH, ""), b'{"anything": 1}', NOW)
    view = roster.views["pole-1"]
    assert {camera: motion.active for camera, motion in view.motion.items()} == {"a": True, "b": False}
    assert (view.health, view.online, view.seen_utc) == ({"anything": 1}, False, NOW)


def test_what_cannot_be_read_changes_nothing() -> None:
    roster = Roster()
    with pytest.raises(msgspec.DecodeError):
        roster.take(Address("pole-1", ALARM, "hot"), b"{", NOW)
    assert roster.take(Address("pole-1", STATUS, ""), b"", NOW) is None
    assert roster.views == {}


def test_a_handle_waits_for_the_last_word_and_shows_what_comes_before() -> None:
    handle = Asked("pole-1", "c1")
    seen: list[str] = []
    words = iter(["running", "done"])

    def on_change(changed: Asked) -> None:
        seen.append(changed.responses[-1].state)
        word = next(words, None)
        if word is not None:
            changed.answered(Response(id="c1", state=word))  # type: ignore[arg-type]

    handle.answered(Response(id="c1", state="accepted"))
    final = handle.wait(5, on_change)
    assert final is not None
    assert final.state == "done"
    assert seen == ["accepted", "running", "done"]


def test_a_handle_that_hears_nothing_gives_up_in_time() -> None:
    handle = Asked("pole-1", "c1")
    assert handle.wait(0.05) is None
    later = threading.Timer(0.05, handle.progressed, [JobProgress(id="c1", state="running", sent_bytes=5)])
    later.start()
    heard: list[int] = []
    assert handle.wait(0.5, lambda changed: heard.append(changed.progress.sent_bytes if changed.progress else 0)) is None
    later.join()
    assert heard == [5]
