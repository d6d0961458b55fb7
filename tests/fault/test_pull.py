"""Fetching footage over HTTPS while something breaks: the bytes are right or they do not come."""

from __future__ import annotations

import http.client
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support.ondisk import CAMERA, at
from tests.support.pull import OPERATOR, PullNode, clip_path, pull_node

PADDING = 100_000
"""A picture: 20 MB in four seconds, which no socket holds."""
SLOW = "rate_kbps = 80000"
"""10 MB/s: a fault comes in the middle."""
WHOLE = clip_path(0, 4)


@pytest.fixture
def pull(tmp_path: Path) -> Iterator[PullNode]:
    with pull_node(tmp_path, SLOW, padding=PADDING) as running:
        yield running


def until_cut(response: http.client.HTTPResponse) -> bytes:
    """What came."""
    got = bytearray()
    with suppress(http.client.IncompleteRead, OSError):
        while piece := response.read(65536):
            got += piece
    return bytes(got)


def test_a_server_killed_in_the_middle_goes_on_where_it_was(pull: PullNode) -> None:
    """SIGKILL, another process, another port: the same bytes have the same tag."""
    with pull.connected() as connection:
        connection.request("GET", WHOLE)
        response = connection.getresponse()
        etag, size = response.headers["ETag"], int(response.headers["Content-Length"])
        got = response.read(1_000_000)
        pull.process.kill()
        got += until_cut(response)
    assert len(got) < size
    pull.restart()
    rest = pull.ask(WHOLE, headers={"Range": f"bytes={len(got)}-", "If-Range": etag})
    assert (rest.status, rest.etag) == (206, etag)
    assert rest.headers["Content-Range"] == f"bytes {len(got)}-{size - 1}/{size}"
    assert got + rest.body == pull.ask(WHOLE).body
    assert [each.case for each in pull.records()] == ["RSOW 7/26"] * 2, "one in each process"


def test_footage_erased_in_the_middle_cuts_the_answer_and_going_on_begins_anew(pull: PullNode) -> None:
    with pull.connected() as connection:
        connection.request("GET", WHOLE)
        response = connection.getresponse()
        etag = response.headers["ETag"]
        first = response.read(1_000_000)
        pull.node.segments[1].unlink()
        first += until_cut(response)
    assert len(first) < int(response.headers["Content-Length"])
    rest = pull.ask(WHOLE, headers={"Range": f"bytes={len(first)}-", "If-Range": etag})
    assert rest.status == 200
    assert rest.etag != etag
    assert len(rest.body) == int(rest.headers["Content-Length"])
    assert rest.headers["Clip-Gaps"] == "1"
    listed = pull.ask(WHOLE.replace("/clip?", "/clip/parts?")).document
    assert [(gap["start"], gap["end"]) for gap in listed["gaps"]] == [(at(2), at(4))]


def test_a_card_that_gives_other_bytes_in_the_middle_never_delivers_them(pull: PullNode) -> None:
    """The clip was hashed, then the medium changed: each fragment is checked again when it is sent."""
    good = pull.ask(WHOLE)
    data = bytearray(pull.node.segments[1].read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    pull.node.segments[1].write_bytes(data)
    with pull.connected() as connection:
        connection.request("GET", WHOLE)
        response = connection.getresponse()
        assert (response.status, response.headers["ETag"]) == (200, good.etag)
        got = until_cut(response)
    assert len(got) < len(good.body)
    assert good.body.startswith(got)
    anew = pull.ask(clip_path(0, 4))
    assert (anew.status, anew.document["code"]) == (300, "several_parts")
    assert [gap["reason"] for gap in anew.document["gaps"]] == ["damaged"]


def test_where_nothing_can_be_recorded_nothing_is_shown(pull: PullNode) -> None:
    journal = pull.node.data / "journal" / "local"
    journal.write_text("a file where the journal should be")
    answer = pull.ask(WHOLE)
    assert answer.code == (503, "not_recorded")
    assert answer.headers["Retry-After"] == "60"
    assert pull.ask(f"/v1/cameras/{CAMERA}/snapshot?at={at(2)}&case=7").code == (503, "not_recorded")
    assert pull.ask(f"/v1/cameras/{CAMERA}/timeline?start={at(0)}&end={at(4)}&case=7").code == (503, "not_recorded")
    assert pull.ask(f"/v1/cameras/{CAMERA}/timeline?start={at(0)}&end={at(4)}").status == 200
    assert pull.ask(WHOLE, method="HEAD").status == 200
    journal.unlink()
    assert pull.ask(clip_path(0, 1)).status == 200
    assert len(pull.records()) == 1


def test_a_data_partition_that_went_away_is_an_answer(pull: PullNode) -> None:
    shutil.rmtree(pull.node.data / "ring")
    assert pull.ask(WHOLE).code == (404, "no_footage")


def test_fifty_clients_that_read_nothing_leave_room_for_another(pull: PullNode) -> None:
    with ExitStack() as open_things:
        held, refused = [], 0
        for _ in range(50):
            connection = open_things.enter_context(pull.connected())
            connection.request("GET", WHOLE)
            response = connection.getresponse()
            if response.status == 200:
                held.append(response)
            else:
                assert (response.status, response.headers["Retry-After"]) == (503, "5")
                response.read()
                refused += 1
        assert (len(held), refused) == (2, 48), "half of [serve] streams"
        other = pull.ask(WHOLE, "b.kowalski")
        assert (other.status, len(other.body)) == (200, int(other.headers["Content-Length"]))
    assert {each.operator for each in pull.records()} == {OPERATOR, "b.kowalski"}


def test_an_operator_has_a_quota_that_a_restart_does_not_lift(tmp_path: Path) -> None:
    with pull_node(tmp_path, "per_operator_and_hour = 3") as pull:
        for second in range(3):
            assert pull.ask(clip_path(second, second + 1)).status == 200
        assert pull.ask(clip_path(0, 2)).code == (429, "quota")
        assert pull.ask(clip_path(0, 1)).status == 200, "going on with what was counted"
        pull.restart()
        assert pull.ask(clip_path(0, 2)).code == (429, "quota")
        assert pull.ask(clip_path(0, 2), "b.kowalski").status == 200
        assert len(pull.records()) == 4
