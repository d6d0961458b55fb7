"""Clients of `edge serve` that take their time: each waits longer than the server does."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Event

import pytest

from edge.clock import monotonic_s
from edge.host.patience import REQUEST_S
from edge.serve.delivery import STALL_S
from edge.serve.peer import CONNECTIONS_MAX
from tests.support.pull import PullNode, clip_path, pull_node


@pytest.fixture
def pull(tmp_path: Path) -> Iterator[PullNode]:
    with pull_node(tmp_path, "streams = 2", padding=200_000) as running:
        yield running


def test_a_request_that_never_ends_is_cut(pull: PullNode) -> None:
    raw = socket.create_connection(("127.0.0.1", pull.port), timeout=3 * REQUEST_S)
    with closing(raw), pull.context().wrap_socket(raw, server_hostname="127.0.0.1") as connection:
        began_s = monotonic_s()
        for letter in b"GET /v1 HTTP/1.1\r\nX: ":
            connection.sendall(bytes([letter]))
        with suppress(OSError):
            while monotonic_s() - began_s < 2 * REQUEST_S:
                connection.sendall(b"x")
                Event().wait(0.5)
        assert REQUEST_S - 1 < monotonic_s() - began_s < 2 * REQUEST_S


def test_who_takes_nothing_is_cut_and_makes_room(pull: PullNode) -> None:
    with pull.connected() as connection:
        connection.request("GET", clip_path(0, 4))
        response = connection.getresponse()
        assert pull.ask(clip_path(0, 4)).code == (503, "busy")
        until_s = monotonic_s() + 3 * STALL_S
        while pull.ask(clip_path(0, 4), headers={"Range": "bytes=0-0"}).status != 206 and monotonic_s() < until_s:
            Event().wait(2.0)
        assert monotonic_s() < until_s
        got = 0
        with suppress(http.client.IncompleteRead, OSError):
            while piece := response.read(1 << 20):
                got += len(piece)
        assert got < int(response.headers["Content-Length"])


def test_connections_that_say_nothing_are_bounded_and_go(pull: PullNode) -> None:
    held = []
    try:
        for _ in range(2 * CONNECTIONS_MAX):
            connection = socket.create_connection(("127.0.0.1", pull.port), timeout=60)
            held.append(pull.context().wrap_socket(connection, server_hostname="127.0.0.1"))
        Event().wait(REQUEST_S + 2)
        assert pull.ask("/v1").status == 200
    finally:
        for each in held:
            each.close()
