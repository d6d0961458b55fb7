"""The state machine of plain PUT, answer by answer: servers without MOVE, digests, refusals, copies that are not ours."""

from __future__ import annotations

import base64

import pytest

from edge.upload.put import PutMachine, digest_of
from edge.upload.steps import Ask, Broken, Done, Failed, Hashed, Limits, Offer, Rehash, Remember, Remembered, Reply, Wait, Waited

SHA = "ab" * 32
OTHER = "cd" * 32
SIZE = 1000
FINAL = "http://127.0.0.1/clips/pole-1/c1/clip.mp4"
OFFER = Offer("http://127.0.0.1/clips", SIZE, SHA, {"node": "pole-1", "request": "c1", "name": "clip.mp4"})
S3 = {"x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(SHA)).decode()}


def reply(status: int, sent: int = 0, *, body: tuple[int, str] = (0, "")) -> Reply:
    return Reply(status, {}, sent_bytes=sent, body_bytes=body[0], body_sha256=body[1])


def looking(remembered: str = "") -> PutMachine:
    """It has just asked what lies under the name."""
    machine = PutMachine(OFFER, Limits(), remembered)
    if not remembered:
        assert machine.action == Remember(FINAL)
        machine.on(Remembered())
    assert asked(machine) == ("HEAD", FINAL)
    return machine


def asked(machine: PutMachine) -> tuple[str, str]:
    assert isinstance(machine.action, Ask), machine.action
    return machine.action.method, machine.action.url


def putting(remembered: str = "") -> PutMachine:
    """A server that can neither MOVE nor wants folders; the PUT is under way."""
    machine = looking(remembered)
    machine.on(reply(404))
    assert asked(machine)[0] == "OPTIONS"
    machine.on(reply(405))
    assert asked(machine) == ("PUT", FINAL)
    return machine


def test_without_move_the_name_is_given_at_once_and_the_copy_proved_by_the_servers_digest() -> None:
    machine = putting()
    machine.on(reply(201, SIZE))
    assert asked(machine) == ("HEAD", FINAL)
    assert machine.on(Reply(200, {"content-length": str(SIZE), **S3}, sent_bytes=0)) == Done(FINAL)


def test_without_a_digest_all_bytes_are_read_back() -> None:
    machine = putting()
    machine.on(reply(200, SIZE))
    machine.on(Reply(200, {"content-length": str(SIZE)}, sent_bytes=0))
    assert asked(machine) == ("GET", FINAL)
    assert machine.on(reply(200, body=(SIZE, SHA))) == Done(FINAL)


def test_a_copy_that_is_not_ours_is_sent_again_and_given_up_after_some_tries() -> None:
    machine = putting()
    for _ in range(Limits().corrupt_tries):
        machine.on(reply(200, SIZE))
        machine.on(Reply(200, {"content-length": str(SIZE)}, sent_bytes=0))
        machine.on(reply(200, body=(SIZE, OTHER)))
        assert isinstance(machine.action, Rehash)
        if isinstance(machine.on(Hashed(SHA)), Wait):
            machine.on(Waited())
            machine.on(Reply(200, {"content-length": str(SIZE)}, sent_bytes=0))
            machine.on(reply(200, body=(SIZE, OTHER)))
            machine.on(reply(405))
            assert asked(machine) == ("PUT", FINAL)
    assert isinstance(machine.action, Failed)
    assert machine.action.code == "corrupted"


def test_what_lay_there_before_is_never_overwritten_whatever_the_server_can() -> None:
    machine = looking()
    machine.on(Reply(200, {"content-length": "7"}, sent_bytes=0))
    assert isinstance(machine.action, Failed)
    assert machine.action.code == "conflict"


def test_torn_bytes_of_our_own_are_replaced_after_a_restart() -> None:
    machine = looking(FINAL)
    machine.on(Reply(200, {"content-length": "7"}, sent_bytes=0))
    machine.on(reply(405))
    assert asked(machine) == ("PUT", FINAL)


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorised"), (403, "forbidden"), (413, "too_large"), (400, "refused")])
def test_a_refusal_of_the_bytes_is_final(status: int, code: str) -> None:
    machine = putting()
    machine.on(reply(status, 100))
    assert isinstance(machine.action, Failed)
    assert machine.action.code == code


@pytest.mark.parametrize("answer", [reply(507, 100), Reply(503, {"retry-after": "5"}, sent_bytes=0), Broken("cut", sent_bytes=400)])
def test_trouble_that_may_pass_is_waited_for_and_then_looked_at_first(answer: Reply | Broken) -> None:
    machine = putting()
    machine.on(answer)
    assert isinstance(machine.action, Wait)
    machine.on(Waited())
    assert asked(machine) == ("HEAD", FINAL)
    assert machine.sent_bytes == answer.sent_bytes


def test_a_clip_whose_confirmation_was_lost_is_not_sent_again() -> None:
    machine = putting()
    machine.on(Broken("cut", sent_bytes=SIZE))
    machine.on(Waited())
    assert machine.on(Reply(200, {"content-length": str(SIZE), **S3}, sent_bytes=0)) == Done(FINAL)


def test_a_server_that_shows_nothing_of_what_it_took_proves_nothing() -> None:
    machine = putting()
    machine.on(reply(200, SIZE))
    machine.on(reply(404))
    assert isinstance(machine.action, Failed)
    assert machine.action.code == "unconfirmed"


@pytest.mark.parametrize("told", ["", "garbage!", base64.b64encode(b"short").decode()])
def test_a_digest_that_is_none_is_none(told: str) -> None:
    assert digest_of({"x-amz-checksum-sha256": told}) is None
