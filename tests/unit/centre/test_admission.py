"""A token of its own for each node: what it opens, what not, and how it is taken away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.centre.admission import read_tokens
from edge.centre.serve import ReceiverServer, ServeSettings
from edge.centre.upload_store import StoreLimits
from edge.clock import ManualClock
from edge.errors import ConfigError
from edge.host.linux_disk import LinuxDisk
from tests.support.upload_client import DATA, METADATA, VERSION, Client

TOKENS = {"pole-7": "seven", "pole-8": "eight"}
EIGHT = {**METADATA, "node": "pole-8"}


def write(path: Path, tokens: dict[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text("# node, SHA-256 of its token\n" + "".join(f"{node} {_hash(token)}\n" for node, token in tokens.items()))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ReceiverServer]:
    write(tmp_path / "tokens", TOKENS)
    limits = StoreLimits(reserve_bytes=0, node_bytes=len(DATA) * 2)
    settings = ServeSettings(folder=tmp_path / "received", tokens_file=tmp_path / "tokens", token="shared", limits=limits)
    running = ReceiverServer(settings, LinuxDisk(), ManualClock())
    running.start()
    yield running
    running.stop()


def test_a_node_writes_under_its_own_name_alone(server: ReceiverServer) -> None:
    seven = Client(server, "seven")
    assert seven.created(METADATA) == 201
    assert seven.created(EIGHT) == 403
    seven.http.close()


@pytest.mark.parametrize("token", ["", "nine", _hash("seven")])
def test_what_is_no_token_opens_nothing(server: ReceiverServer, token: str) -> None:
    nobody = Client(server, token)
    assert nobody.created(METADATA) == 401
    nobody.http.close()


def test_the_upload_of_another_node_is_not_there(server: ReceiverServer) -> None:
    seven, eight = Client(server, "seven"), Client(server, "eight")
    url = seven.create()
    assert eight.head(url).status == 404
    assert eight.patch(url, 0, DATA).status == 404
    assert eight.ask("DELETE", url, VERSION).status == 404
    assert seven.patch(url, 0, DATA).status == 204
    for client in (seven, eight):
        client.http.close()


def test_the_shared_token_still_speaks_for_every_node(server: ReceiverServer) -> None:
    shared = Client(server, "shared")
    assert [shared.created(each) for each in (METADATA, EIGHT)] == [201, 201]
    shared.http.close()


def test_a_token_that_is_taken_out_of_the_file_is_shut_out_at_once_and_a_spoilt_file_changes_nothing(
    server: ReceiverServer, tmp_path: Path
) -> None:
    seven, eight, path = Client(server, "seven"), Client(server, "eight"), tmp_path / "tokens"
    path.write_text("pole-7 what?\n")
    assert (seven.created(METADATA), eight.created(EIGHT)) == (201, 201)
    write(path, {"pole-8": "eight"})
    assert (seven.created(METADATA), eight.created(EIGHT)) == (401, 201)
    for client in (seven, eight):
        client.http.close()


def test_a_node_that_has_taken_its_share_is_told_to_wait_and_the_others_are_not(server: ReceiverServer) -> None:
    seven, eight = Client(server, "seven"), Client(server, "eight")
    url = seven.create()
    seven.patch(url, 0, DATA)
    seven.digest(url)  # delivered: with its receipt it is more than half of what the node may have
    assert seven.created(METADATA) == 507
    assert eight.created(EIGHT) == 201
    assert eight.created(EIGHT) == 201
    assert eight.created(EIGHT) == 507, "what is announced counts"
    for client in (seven, eight):
        client.http.close()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("pole-7\n", "line 1"),
        ("pole-7 abc\n", "line 1"),
        (f"pole-7 {_hash('a')}\n../x {_hash('b')}\n", "line 2"),
        (f"pole-7 {_hash('a')}\npole-8 {_hash('a')}\n", "the same token"),
    ],
)
def test_a_file_of_tokens_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "tokens"
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(ConfigError, match=fault):
        read_tokens(path)
