"""`edge serve` as people use it: a real process, real TLS, real clients."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.messages.evidence import Exported, ExportedFile, Viewed
from tests.support.command import edge
from tests.support.ondisk import CAMERA, at
from tests.support.pull import CASE, DEADLINE_S, OPERATOR, Answer, PullNode, clip_path, pull_node


@pytest.fixture(scope="module")
def pull(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PullNode]:
    with pull_node(tmp_path_factory.mktemp("pull"), "per_operator_and_hour = 1000") as running:
        yield running


def written(pull: PullNode, folder: Path, first_s: float, last_s: float) -> bytes:
    """The same clip by the command line."""
    out = folder / "clip.mp4"
    who = ("--operator", "local", "--case", "1/26")
    assert edge("clip", "--config", pull.node.config, "--from", at(first_s), "--to", at(last_s), "-o", out, *who).code == 0
    return out.read_bytes()


def test_it_says_what_there_is(pull: PullNode) -> None:
    index = pull.ask("/v1")
    assert (index.status, index.document["node"], pull.ask("/").document) == (200, "pole-1", index.document)
    (camera,) = pull.ask(index.document["cameras"]).document
    assert camera == {
        "id": CAMERA,
        "name": "",
        "configured": True,
        **{word: f"/v1/cameras/{CAMERA}/{word}" for word in ("timeline", "snapshot", "clip")},
    }
    assert "server" not in index.headers
    assert index.headers["Cache-Control"] == "private, no-store"


def test_the_timeline_is_that_of_the_command_line(pull: PullNode) -> None:
    (expected,) = json.loads(edge("timeline", "--config", pull.node.config, "--from", at(0), "--to", at(20), "--json").out)
    before = len(pull.records())
    answer = pull.ask(f"/v1/cameras/{CAMERA}/timeline?start={at(0)}&end={at(20)}")
    assert (answer.status, answer.document) == (200, expected)
    assert len(pull.records()) == before, "metadata need no case"
    assert pull.ask(f"/v1/cameras/{CAMERA}/timeline?start={at(0)}&end={at(20)}&case=7").status == 200
    assert pull.records()[before:] == [Viewed(operator=OPERATOR, case="7", what="timeline", camera_id=CAMERA, start=at(0), end=at(20))]


def test_a_clip_is_byte_for_byte_that_of_the_command_line_and_on_record(pull: PullNode, tmp_path: Path) -> None:
    expected = written(pull, tmp_path, 1, 3)
    before = len(pull.records())
    answer = pull.ask(clip_path(1, 3, recipient="KRP I", basis="art. 15"))
    assert (answer.status, answer.body) == (200, expected)
    sha256 = hashlib.sha256(expected)
    assert answer.etag == f'"{sha256.hexdigest()}"'
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(sha256.digest()).decode()}:"
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="cam0_20240601T100001.000Z.mp4"'
    (record,) = pull.records()[before:]
    assert isinstance(record, Exported)
    assert (record.operator, record.case, record.recipient, record.basis, record.how) == (OPERATOR, CASE, "KRP I", "art. 15", "pull")
    assert record.files == [ExportedFile(name="cam0_20240601T100001.000Z.mp4", bytes=len(expected), sha256=sha256.hexdigest())]


def test_ranges_are_pieces_of_it_and_going_on_is_recorded_once(pull: PullNode, tmp_path: Path) -> None:
    whole = written(pull, tmp_path, 0, 3)
    path, before = clip_path(0, 3), len(pull.records())
    head = pull.ask(path, method="HEAD")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(whole)), b"")
    assert len(pull.records()) == before, "no byte of footage has left"
    for header, (first, end) in {"bytes=0-0": (0, 1), "bytes=100-9999": (100, 10_000), "bytes=-7": (len(whole) - 7, len(whole))}.items():
        piece = pull.ask(path, headers={"Range": header, "If-Range": head.etag})
        assert (piece.status, piece.body) == (206, whole[first:end])
        assert piece.headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(whole)}"
    assert len(pull.records()) == before + 1
    behind = pull.ask(path, headers={"Range": f"bytes={len(whole)}-"})
    assert (behind.code, behind.headers["Content-Range"]) == ((416, "out_of_reach"), f"bytes */{len(whole)}")
    assert pull.ask(path, headers={"Range": "bytes=5-", "If-Range": '"another"'}).body == whole
    assert pull.ask(path, headers={"If-None-Match": head.etag}).status == 304
    assert pull.ask(path, headers={"If-Match": '"another"'}).code == (412, "changed")


def test_another_case_is_another_record(pull: PullNode) -> None:
    before = len(pull.records())
    for case in ("1/26", "1/26", "2/26"):
        assert pull.ask(clip_path(0, 1, case=case)).status == 200
    assert [each.case for each in pull.records()[before:]] == ["1/26", "2/26"]


def test_a_gap_makes_several_parts_which_are_listed(pull: PullNode) -> None:
    choice = pull.ask(clip_path(2, 9))
    assert (choice.status, choice.document["code"]) == (300, "several_parts")
    parts, gaps = choice.document["parts"], choice.document["gaps"]
    assert gaps == [{"start": at(4), "end": at(7), "reason": "camera_died"}]
    for part in parts:
        body = pull.ask(part["href"]).body
        assert (len(body), hashlib.sha256(body).hexdigest()) == (part["bytes"], part["sha256"])
    listed = pull.ask(clip_path(2, 9).replace("/clip?", "/clip/parts?"))
    assert (listed.status, listed.document["parts"]) == (200, parts)
    assert pull.ask(clip_path(2, 9, part="3")).code == (404, "no_part")


def test_a_snapshot_is_a_jpeg_with_its_time_and_on_record(pull: PullNode) -> None:
    before = len(pull.records())
    answer = pull.ask(f"/v1/cameras/{CAMERA}/snapshot?at={at(2.5)}&case=7%2F26")
    assert (answer.status, answer.headers["Content-Type"], answer.headers["Picture-UTC"]) == (200, "image/jpeg", at(2))
    assert answer.body.startswith(b"\xff\xd8\xff")
    moment = at(2.5)
    assert pull.records()[before:] == [Viewed(operator=OPERATOR, case="7/26", what="snapshot", camera_id=CAMERA, start=moment, end=moment)]


def test_what_is_wrong_is_told_with_what_to_do(pull: PullNode) -> None:
    before = len(pull.records())
    snapshot = f"/v1/cameras/{CAMERA}/snapshot"
    assert pull.ask(clip_path(0, 1, case="")).code == (400, "no_case")
    assert pull.ask(clip_path(0, 1, case="a\nb")).code == (400, "bad_words")
    assert pull.ask(clip_path(1, 0)).code == (400, "bad_range")
    assert pull.ask(clip_path(0, 5 * 3600)).code == (400, "bad_range")
    assert pull.ask(clip_path(0, 1, operator="b.kowalski")).code == (400, "bad_args")
    assert pull.ask(clip_path(0, 1, camera="cam9")).code == (404, "unknown_camera")
    assert pull.ask(clip_path(0, 1, camera="..")).code == (404, "unknown_camera")
    assert pull.ask(clip_path(-60, -30)).code == (404, "no_footage")
    assert pull.ask(snapshot).code == (400, "no_case")
    assert pull.ask(f"{snapshot}?at={at(-60)}&case=7").code == (404, "no_footage")
    assert pull.ask(f"{snapshot}?at=noon&case=7").code == (400, "bad_range")
    assert pull.ask("/v1/cameras/../../etc/passwd").code == (404, "unknown_path")
    assert pull.ask("/v1", method="DELETE").code == (405, "bad_method")
    assert pull.ask("/v1", headers={"Content-Length": "5"}).code == (413, "no_body")
    assert len(pull.records()) == before


def test_what_is_no_request_is_told_in_the_same_shape(pull: PullNode) -> None:
    """An endless header: what was sent so far is already too much."""
    raw = socket.create_connection(("127.0.0.1", pull.port), timeout=DEADLINE_S)
    with closing(raw), pull.context().wrap_socket(raw, server_hostname="127.0.0.1") as connection:
        connection.sendall(b"GET /v1 HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert Answer(response.status, response.headers, response.read()).code == (400, "bad_request")


def test_the_operator_is_who_the_certificate_says_and_nobody_else(pull: PullNode) -> None:
    before = len(pull.records())
    forged = {"X-Client-CN": "b.kowalski", "X-SSL-Client-S-DN": "CN=b.kowalski", "Operator": "b.kowalski", "X-Forwarded-For": "192.0.2.7"}
    assert pull.ask(clip_path(0, 2), headers=forged).status == 200
    assert pull.ask(clip_path(0, 2), "b.kowalski").status == 200
    assert [each.operator for each in pull.records()[before:]] == [OPERATOR, "b.kowalski"]
    with pull.connected("c.lis") as first, pull.connected("d.wilk") as second:
        for connection in (first, second, first):
            connection.request("GET", clip_path(0, 2))
            connection.getresponse().read()
    assert [each.operator for each in pull.records()[before + 2 :]] == ["c.lis", "d.wilk"]


def test_custody_shows_what_was_pulled(pull: PullNode) -> None:
    pull.ask(clip_path(0, 1, case="99/26"))
    shown = edge("custody", "--config", pull.node.config, "--json")
    assert shown.code == 0, shown.err
    entry = next(each for each in json.loads(shown.out)["entries"] if each["case"] == "99/26")
    assert (entry["kind"], entry["who"], entry["state"]) == ("export", OPERATOR, "pull")
