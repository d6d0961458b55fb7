from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.messages.tus import repr_digest
from edge.upload.steps import (
    Action,
    Broken,
    Create,
    Done,
    Failed,
    Hashed,
    Head,
    Limits,
    Offer,
    Options,
    Patch,
    Rehash,
    Remember,
    Remembered,
    Reply,
    Wait,
    Waited,
)
from edge.upload.tus import Machine

CREATION = "https://centre.example/files"
URL = "https://centre.example/files/1"
DATA = bytes(range(100))
SHA256 = hashlib.sha256(DATA).hexdigest()
OFFER = Offer(CREATION, len(DATA), SHA256, {"name": "clip.mp4"})
LIMITS = Limits(patch_bytes=40, small_patch_bytes=16, least_patch_bytes=4, kept_nothing_bytes=60, confirm_tries=3)


def head(offset: int, digest: str = "", length: int = len(DATA)) -> Reply:
    more = {"repr-digest": repr_digest(digest)} if digest else {}
    return Reply(200, {"upload-offset": str(offset), "upload-length": str(length), **more})


def created(url: str = URL) -> Reply:
    return Reply(201, {"location": url})


def moved(offset: int, sent: int) -> Reply:
    return Reply(204, {"upload-offset": str(offset)}, sent)


def sending(limits: Limits = LIMITS) -> Machine:
    """Just about to send its first bytes."""
    machine = Machine(OFFER, limits)
    machine.on(Reply(204, {}))
    machine.on(created())
    machine.on(Remembered())
    return machine


def test_a_whole_upload_ends_done_only_after_the_digest() -> None:
    machine = Machine(OFFER, LIMITS)
    assert machine.action == Options()
    assert machine.on(Reply(204, {})) == Create()
    assert machine.on(created("files/1")) == Remember(URL)
    assert machine.on(Remembered()) == Patch(URL, 0, 40)
    assert machine.on(moved(40, 40)) == Patch(URL, 40, 40)
    assert machine.on(moved(80, 40)) == Patch(URL, 80, 20)
    assert machine.on(moved(100, 20)) == Head(URL)
    assert machine.on(head(100, SHA256)) == Done(URL)
    assert (machine.sent_bytes, machine.attempts, machine.resumes) == (100, 3, 0)


def test_a_remembered_upload_goes_on_where_the_server_is() -> None:
    machine = Machine(OFFER, LIMITS, URL)
    assert machine.on(Reply(204, {})) == Head(URL)
    assert machine.on(head(70)) == Patch(URL, 70, 30)
    assert machine.resumes == 1


@pytest.mark.parametrize("status", [404, 410])
def test_an_upload_that_is_gone_is_created_anew(status: int) -> None:
    machine = Machine(OFFER, LIMITS, URL)
    machine.on(Reply(204, {}))
    assert machine.on(Reply(status, {})) == Create()
    machine.on(created("/files/2"))
    machine.on(Remembered())
    machine.on(moved(40, 40))
    action = machine.on(Reply(status, {}))
    assert isinstance(action, Wait)
    assert action.then == Create(), "a server that loses one upload after the other is not hammered"


@pytest.mark.parametrize("reply", [head(10, length=99), head(101)])
def test_a_remembered_url_that_holds_another_file_is_left_alone(reply: Reply) -> None:
    machine = Machine(OFFER, LIMITS, URL)
    machine.on(Reply(204, {}))
    assert machine.on(reply) == Create()


def test_a_conflict_asks_for_the_offset_again() -> None:
    machine = sending()
    assert machine.on(Reply(409, {}, 40)) == Head(URL)
    assert machine.on(head(25)) == Patch(URL, 25, 40)


def test_a_locked_upload_waits_five_seconds_and_is_never_created_anew() -> None:
    machine = sending(Limits())
    for _ in range(50):
        waiting = machine.on(Reply(423, {}))
        assert waiting == Wait(5.0, Head(URL), "the upload is locked by another request", jitter=False)
        assert machine.on(Waited()) == Head(URL)
    assert machine.on(head(0)) == Patch(URL, 0, 100)


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorised"), (403, "forbidden"), (413, "too_large"), (412, "tus_version")])
def test_a_refusal_fails_with_its_code(status: int, code: str) -> None:
    machine = Machine(OFFER, LIMITS)
    machine.on(Reply(204, {}))
    action = machine.on(Reply(status, {}))
    assert isinstance(action, Failed)
    assert action.code == code


def test_a_proxy_that_refuses_big_requests_gets_small_ones() -> None:
    machine = sending()
    assert machine.on(Reply(413, {}, 5)) == Head(URL)
    assert machine.on(head(0)) == Patch(URL, 0, 16)
    refused = machine.on(Reply(413, {}, 5))
    assert isinstance(refused, Failed)
    assert refused.code == "too_large"


def test_a_file_above_the_servers_limit_is_not_begun() -> None:
    machine = Machine(OFFER, LIMITS)
    refused = machine.on(Reply(204, {"tus-max-size": "99"}))
    assert isinstance(refused, Failed)
    assert refused.code == "too_large"


def test_trouble_backs_off_ever_longer_and_progress_forgives_it() -> None:
    machine = sending()
    waits = []
    for _ in range(8):
        waiting = machine.on(Broken("reset"))
        assert isinstance(waiting, Wait)
        assert waiting.jitter
        waits.append(waiting.seconds)
        machine.on(Waited())
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    machine.on(head(5))
    waiting = machine.on(Reply(503, {"retry-after": "7"}))
    assert isinstance(waiting, Wait)
    assert (waiting.seconds, waiting.least_s) == (1, 7)


def test_a_checksum_is_sent_where_it_is_offered() -> None:
    machine = Machine(OFFER, LIMITS)
    machine.on(Reply(204, {"tus-extension": "creation, checksum", "tus-checksum-algorithm": "md5,sha1,SHA256"}))
    machine.on(created())
    assert machine.on(Remembered()) == Patch(URL, 0, 40, "sha256")


def test_a_part_that_arrived_damaged_is_hashed_again_and_tried_once() -> None:
    machine = sending()
    rehash = machine.on(Reply(460, {}, 40))
    assert rehash == Rehash(Patch(URL, 0, 40))
    assert machine.on(Hashed(SHA256)) == Patch(URL, 0, 40)
    failed = machine.on(Reply(460, {}, 40))
    assert isinstance(failed, Failed)
    assert failed.code == "checksum"


def test_a_damaged_part_later_on_has_its_own_second_try() -> None:
    machine = sending()
    machine.on(Reply(460, {}, 40))
    machine.on(Hashed(SHA256))
    machine.on(moved(40, 40))
    assert isinstance(machine.on(Reply(460, {}, 40)), Rehash)


def test_our_own_file_changing_under_us_fails() -> None:
    machine = sending()
    machine.on(Reply(460, {}, 40))
    failed = machine.on(Hashed("0" * 64))
    assert isinstance(failed, Failed)
    assert failed.code == "source_changed"


def test_a_receiver_that_never_offers_a_digest_leaves_the_clip_unconfirmed() -> None:
    machine = Machine(OFFER, LIMITS, URL)
    machine.on(Reply(204, {}))
    for seconds in (1.0, 2.0):
        waiting = machine.on(head(100))
        assert isinstance(waiting, Wait)
        assert (waiting.seconds, waiting.least_s) == (seconds, seconds / 2)
        machine.on(Waited())
    failed = machine.on(head(100))
    assert isinstance(failed, Failed)
    assert failed.code == "unconfirmed"
    assert "Repr-Digest" in failed.text


def test_a_receiver_that_stored_other_bytes_gets_the_file_anew_but_not_for_ever() -> None:
    machine = Machine(OFFER, replace(LIMITS, corrupt_tries=2), URL)
    machine.on(Reply(204, {}))
    assert machine.on(head(100, "0" * 64)) == Rehash(Create())
    assert machine.on(Hashed(SHA256)) == Create()
    machine.on(created("/files/2"))
    machine.on(Remembered())
    machine.on(Broken("cut"))
    machine.on(Waited())
    machine.on(head(100, "1" * 64))
    failed = machine.on(Hashed(SHA256))
    assert isinstance(failed, Failed)
    assert failed.code == "corrupted"


def test_something_that_keeps_nothing_of_cut_requests_gets_smaller_and_smaller_ones() -> None:
    machine = sending()
    lengths = []
    for _ in range(20):
        action = machine.action
        assert isinstance(action, Patch)
        lengths.append(action.length)
        machine.on(Broken("cut", sent_bytes=action.length - 1))
        machine.on(Waited())
        machine.on(head(0))
    assert lengths[:7] == [40, 40, 16, 16, 16, 16, 8]
    assert lengths[-1] == 4
    assert machine.buffering


def test_a_cut_request_of_which_something_was_kept_changes_nothing() -> None:
    machine = sending()
    for offset in range(1, 30):
        machine.on(Broken("cut", sent_bytes=40))
        machine.on(Waited())
        assert machine.on(head(offset)) == Patch(URL, offset, 40)
    assert not machine.buffering


def test_a_location_on_another_host_is_refused() -> None:
    machine = Machine(OFFER, LIMITS)
    machine.on(Reply(204, {}))
    failed = machine.on(created("https://elsewhere.example/files/1"))
    assert isinstance(failed, Failed)
    assert failed.code == "off_origin"


def test_an_answer_to_nothing_is_a_bug_of_the_driver() -> None:
    with pytest.raises(ValueError, match="does not answer"):
        Machine(OFFER, LIMITS).on(Waited())


FAULTS = ["fine", "fine", "lost", "no answer", "part", "500", "423", "409", "460", "gone", "rot", "not yet"]


class World:
    """A tus server, the network before it, and what they do wrong, one word per request. Once the words are used up all is well."""

    def __init__(self, faults: list[tuple[str, int]]) -> None:
        self._faults: Iterator[tuple[str, int]] = iter(faults)
        self.files: dict[str, bytearray] = {}
        self.remembered: set[str] = set()
        self.confirmed: dict[str, int] = {}
        self.locked = False
        self._count = 0

    def answer(self, action: Action) -> Reply | Broken:
        fault, number = next(self._faults, ("fine", 0))
        if isinstance(action, Create):
            assert not self.locked, "created anew although the upload was only locked"
        self.locked = fault == "423" and isinstance(action, (Head, Patch))
        if fault == "lost":
            return Broken("lost")
        if fault in ("500", "423"):
            return Reply(int(fault), {})
        reply = self._serve(action, fault, number)
        return Broken("no answer", reply.sent_bytes) if fault == "no answer" else reply

    def _serve(self, action: Action, fault: str, number: int) -> Reply | Broken:
        if isinstance(action, Options):
            return Reply(204, {})
        if isinstance(action, Create):
            self._count += 1
            url = f"{CREATION}/{self._count}"
            self.files[url] = bytearray()
            self.confirmed[url] = 0
            return created(url)
        assert isinstance(action, (Head, Patch))
        if fault == "gone":
            self.files.pop(action.url, None)
        if action.url not in self.files:
            return Reply(404, {})
        if fault == "rot" and self.files[action.url]:
            self.files[action.url][number % len(self.files[action.url])] ^= 1
        return self._head(action, fault) if isinstance(action, Head) else self._patch(action, fault, number)

    def _head(self, action: Head, fault: str) -> Reply:
        stored = self.files[action.url]
        self.confirmed[action.url] = len(stored)
        done = len(stored) == len(DATA) and fault != "not yet"
        return head(len(stored), hashlib.sha256(stored).hexdigest() if done else "")

    def _patch(self, action: Patch, fault: str, number: int) -> Reply | Broken:
        stored = self.files[action.url]
        assert action.url in self.remembered, "bytes were sent before the address was stored"
        assert action.offset == self.confirmed[action.url], "bytes were sent at an offset nobody confirmed"
        if fault in ("409", "460"):
            return Reply(int(fault), {}, action.length)
        if action.offset != len(stored):
            return Reply(409, {})
        kept = number % action.length if fault == "part" else action.length
        stored += DATA[action.offset : action.offset + kept]
        if fault == "part":
            return Broken("cut", action.length)
        self.confirmed[action.url] = len(stored)
        return moved(len(stored), action.length)


@given(st.lists(st.tuples(st.sampled_from(FAULTS), st.integers(0, 1000)), max_size=60))
def test_whatever_goes_wrong_done_means_the_same_bytes_and_passing_trouble_ends_in_done(faults: list[tuple[str, int]]) -> None:
    world = World(faults)
    machine = Machine(OFFER, replace(LIMITS, confirm_tries=100, corrupt_tries=100))
    for _ in range(600):
        action = machine.action
        if isinstance(action, (Done, Failed)):
            break
        if isinstance(action, Remember):
            world.remembered.add(action.url)
            machine.on(Remembered())
        elif isinstance(action, Wait):
            machine.on(Waited())
        elif isinstance(action, Rehash):
            machine.on(Hashed(SHA256))
        else:
            machine.on(world.answer(action))
    if isinstance(machine.action, Failed):
        assert machine.action.code == "checksum"
        assert sum(word == "460" for word, _ in faults) >= 2
    else:
        assert isinstance(machine.action, Done)
        assert bytes(world.files[machine.action.url]) == DATA


@pytest.mark.parametrize("reply", [Reply(409, {}, 40), moved(0, 40), moved(0, 0), Reply(204, {}, 40)])
def test_a_server_that_takes_parts_and_keeps_none_is_asked_ever_more_slowly(reply: Reply) -> None:
    machine = sending()
    waits: list[float] = []
    for _ in range(5):
        action = machine.on(reply)
        if isinstance(action, Wait):
            waits.append(action.seconds)
            action = machine.on(Waited())
        assert action == Head(URL)
        assert isinstance(machine.on(head(0)), Patch)
    assert len(waits) == 4
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    machine.on(moved(40, 40))
    assert machine.on(Reply(409, {}, 40)) == Head(URL), "what brings us on makes the next question prompt again"
