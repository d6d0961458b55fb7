from __future__ import annotations

import base64
import hashlib
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from edge.centre.serve import ReceiverServer, ServeSettings
from edge.centre.upload_store import StoreLimits
from edge.clock import ManualClock
from edge.errors import ConfigError, TryAgain
from edge.host.linux_disk import LinuxDisk
from edge.messages.tus import encode_metadata, repr_digest
from tests.support.upload_client import DATA, METADATA, SHA256, VERSION, Client


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(tmp_path: Path, clock: ManualClock) -> Iterator[ReceiverServer]:
    limits = StoreLimits(max_bytes=1000, reserve_bytes=0, expire_s=3600)
    running = ReceiverServer(ServeSettings(folder=tmp_path, token="secret", limits=limits, idle_s=0.3), LinuxDisk(), clock)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def client(server: ReceiverServer) -> Iterator[Client]:
    made = Client(server)
    yield made
    made.http.close()


def test_options_tell_what_is_offered_without_asking_who(server: ReceiverServer) -> None:
    client = Client(server, token="")
    reply = client.ask("OPTIONS", client.url, {})
    client.http.close()
    assert reply.status == 204
    assert reply.headers["tus-version"] == "1.0.0"
    assert set(reply.headers["tus-extension"].split(",")) == {"creation", "expiration", "checksum", "termination"}
    assert reply.headers["tus-checksum-algorithm"] == "sha1,sha256"
    assert reply.headers["tus-max-size"] == "1000"


def test_a_file_goes_up_in_parts_and_its_digest_is_told_only_at_the_end(client: Client, tmp_path: Path) -> None:
    url = client.create()
    first = client.patch(url, 0, DATA[:4])
    assert (first.status, first.headers["upload-offset"]) == (204, "4")
    head = client.head(url)
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("4", "10")
    assert head.headers["cache-control"] == "no-store"
    assert head.headers["upload-expires"] == "Wed, 18 Nov 2026 12:06:40 GMT"
    assert "repr-digest" not in head.headers
    assert client.patch(url, 4, DATA[4:]).headers["upload-offset"] == "10"
    assert client.digest(url) == repr_digest(SHA256)
    assert (tmp_path / "pole-7" / "r-1" / "cam.mp4").read_bytes() == DATA


def test_the_digest_is_that_of_the_stored_bytes_whatever_was_announced(client: Client, tmp_path: Path) -> None:
    url = client.create()
    client.patch(url, 0, b"X123456789")
    assert client.digest(url) == repr_digest(hashlib.sha256(b"X123456789").hexdigest())
    assert not (tmp_path / "pole-7").exists()


def test_a_trailing_slash_of_the_address_is_fine(client: Client, server: ReceiverServer) -> None:
    client.url = server.url + "/"
    url = client.create()
    assert client.head(url).headers["upload-offset"] == "0"


@pytest.mark.parametrize("token", ["", "wrong", "secret2"])
def test_a_wrong_token_opens_nothing(server: ReceiverServer, token: str) -> None:
    client = Client(server, token)
    reply = client.ask("POST", client.url, {**VERSION, "Upload-Length": "1"})
    client.http.close()
    assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 412),
        ({"Tus-Resumable": "0.2.2", "Upload-Length": "1"}, 412),
        (VERSION, 400),
        ({**VERSION, "Upload-Length": "-1"}, 400),
        ({**VERSION, "Upload-Length": "1001"}, 413),
        ({**VERSION, "Upload-Length": "1"}, 400),
        ({**VERSION, "Upload-Length": "1", "Upload-Metadata": "node !"}, 400),
        ({**VERSION, "Upload-Length": "1", "Upload-Metadata": encode_metadata({**METADATA, "name": "../x"})}, 400),
    ],
)
def test_a_creation_that_does_not_hold_water_is_refused(client: Client, headers: Mapping[str, str], status: int) -> None:
    assert client.ask("POST", client.url, headers).status == status


def test_a_part_that_does_not_fit_is_refused_and_changes_nothing(client: Client) -> None:
    url = client.create()
    assert client.patch(url, 3, DATA[3:]).status == 409
    assert client.patch(url, 0, DATA + b"more").status == 413
    assert client.patch(url, 0, DATA, Content_Type="text/plain").status == 415
    assert client.patch(url, 0, DATA, Upload_Checksum="md5 AAAA").status == 400
    assert client.patch(f"{client.url}/{'0' * 32}", 0, DATA).status == 404
    assert client.head(url).headers["upload-offset"] == "0"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_part_with_a_wrong_checksum_is_thrown_away(client: Client, algorithm: str) -> None:
    url = client.create()
    right = base64.b64encode(hashlib.new(algorithm, DATA[:4]).digest()).decode()
    assert client.patch(url, 0, b"X123", Upload_Checksum=f"{algorithm} {right}").status == 460
    assert client.head(url).headers["upload-offset"] == "0"
    assert client.patch(url, 0, DATA[:4], Upload_Checksum=f"{algorithm} {right}").status == 204


def test_an_expired_upload_is_gone(client: Client, clock: ManualClock) -> None:
    url = client.create()
    clock.advance(3601)
    assert client.head(url).status == 410
    assert client.patch(url, 0, DATA).status == 410


def test_an_upload_that_was_given_up_is_gone_and_one_that_is_complete_stays(client: Client, server: ReceiverServer) -> None:
    given_up = client.create()
    assert client.patch(given_up, 0, DATA[:4]).status == 204
    assert client.ask("DELETE", given_up, {}).status == 412
    assert client.ask("DELETE", given_up, VERSION).status == 204
    assert client.head(given_up).status == 404
    assert client.ask("DELETE", given_up, VERSION).status == 404
    whole = client.create()
    assert client.patch(whole, 0, DATA).status == 204
    assert client.ask("DELETE", whole, VERSION).status in (403, 423), "while it is hashed it is busy"
    assert client.digest(whole) == repr_digest(SHA256)
    deadline_s = time.monotonic() + 20
    while (status := client.ask("DELETE", whole, VERSION).status) == 423:
        assert time.monotonic() < deadline_s, "it is no longer hashed"
    assert status == 403
    assert client.digest(whole) == repr_digest(SHA256)


def test_a_request_that_falls_silent_is_ended_and_what_came_is_kept(client: Client, server: ReceiverServer) -> None:
    url = client.create()
    path = url.removeprefix(f"http://127.0.0.1:{server.port}")
    words = [f"PATCH {path} HTTP/1.1", "Host: x", "Authorization: Bearer secret", "Tus-Resumable: 1.0.0", "Upload-Offset: 0"]
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.settimeout(10)
        head = "\r\n".join([*words, "Content-Length: 10", "Content-Type: application/offset+octet-stream", "", ""])
        silent.sendall(head.encode() + DATA[:7])
        assert b" 408 " in silent.recv(100)
    assert client.head(url).headers["upload-offset"] == "7"
    assert client.patch(url, 7, DATA[7:]).status == 204
    assert client.digest(url) == repr_digest(SHA256)


def test_a_connection_that_never_finishes_its_head_is_closed_and_others_are_served(client: Client, server: ReceiverServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as slow, socket.create_connection(("127.0.0.1", server.port)) as mute:
        slow.settimeout(10)
        mute.settimeout(10)
        slow.sendall(b"POST /files HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        url = client.create()
        assert slow.recv(100) == b""
        assert mute.recv(100) == b""
    assert client.patch(url, 0, DATA).status == 204


def test_only_loopback_may_be_served_in_the_open(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not loopback"):
        ReceiverServer(ServeSettings(folder=tmp_path, host="0.0.0.0", token="secret"), LinuxDisk(), ManualClock())


def test_a_taken_port_is_passing_trouble_and_stop_is_idempotent(server: ReceiverServer, tmp_path: Path) -> None:
    second = ReceiverServer(ServeSettings(folder=tmp_path / "b", port=server.port), LinuxDisk(), ManualClock())
    with pytest.raises(TryAgain):
        second.start()
    second.stop()
    second.stop()
