"""Uploads are less urgent than anything else the node says, and say so to the network."""

from __future__ import annotations

import socket

import pytest

from edge.upload.wire import dial

LOWER_EFFORT = 0b000001
"""RFC 8622: the DSCP, the upper six bits of the byte."""


@pytest.mark.parametrize(
    ("family", "host", "level", "option"),
    [
        (socket.AF_INET, "127.0.0.1", socket.IPPROTO_IP, socket.IP_TOS),
        (socket.AF_INET6, "::1", socket.IPPROTO_IPV6, socket.IPV6_TCLASS),
    ],
)
def test_an_upload_goes_below_everything_else(family: int, host: str, level: int, option: int) -> None:
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError as error:
        pytest.skip(f"no {host} here: {error}")
    counted: list[int] = []
    with server:
        wire = dial(host, server.getsockname()[1], None, 5, 5, counted.append)
        peer, _ = server.accept()
        with peer:
            assert wire._sock.getsockopt(level, option) >> 2 == LOWER_EFFORT
            assert wire._sock.getsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY) == 2
            wire.sendall(b"12345")
            peer.sendall(b"123")
            wire.expect()
            assert wire.receive_into(bytearray(10)) == 3
        wire.close()
    assert counted == [5, 3], "what goes and what comes is counted"
