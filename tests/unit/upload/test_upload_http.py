from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.centre.serve import ReceiverServer, ServeSettings
from edge.clock import ManualClock, monotonic_s
from edge.config.on_request import Upload
from edge.errors import ConfigError
from edge.host.linux_disk import LinuxDisk
from edge.upload.http import Http, Target, target_of
from edge.upload.send import settings_of
from edge.upload.steps import Broken, Reply
from tests.support.clips import MemoryClip, noise
from tests.support.delivery import QUICK, Delivery
from tests.support.scripted_http import ScriptedHttp, Step

OK = b"HTTP/1.1 204 No Content\r\nUpload-Offset: 5\r\n\r\n"
CLOSE = b""


def url(server: ScriptedHttp) -> str:
    return f"http://127.0.0.1:{server.port}/files"


def client(server: ScriptedHttp, timeout_s: float = 5.0) -> Http:
    return Http(Target(url(server), "secret"), timeout_s, timeout_s)


def body() -> Iterator[bytes]:
    yield b"he"
    yield b"llo"


def test_a_body_is_streamed_with_its_length_and_the_token() -> None:
    with ScriptedHttp([0, 5, OK]) as server:
        http = client(server)
        assert http.request("PATCH", url(server), {"Upload-Offset": "0"}, body, 5) == Reply(204, {"upload-offset": "5"}, 5)
        http.close()
    head = server.heads[0].split("\r\n")
    assert head[0] == "PATCH /files HTTP/1.1"
    assert {"Authorization: Bearer secret", "Content-Length: 5", f"Host: 127.0.0.1:{server.port}", "Upload-Offset: 0"} <= set(head)


def test_one_connection_serves_one_request_after_the_other() -> None:
    with ScriptedHttp([0, OK, 0, OK, 0, OK]) as server:
        http = client(server)
        for _ in range(3):
            assert isinstance(http.request("HEAD", url(server), {}), Reply)
        http.close()
    assert server.connections == 1


def test_a_kept_connection_the_server_has_closed_is_replaced_at_once() -> None:
    with ScriptedHttp([0, OK, CLOSE], [0, OK]) as server:
        http = client(server)
        assert isinstance(http.request("HEAD", url(server), {}), Reply)
        assert isinstance(http.request("HEAD", url(server), {}), Reply)
        http.close()
    assert server.connections == 2


def test_an_answer_that_ends_with_its_connection_is_read_whole() -> None:
    with ScriptedHttp([0, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhe", b"llo", CLOSE]) as server:
        http = client(server)
        answer = http.request("GET", url(server), {}, read=lambda: None)
        http.close()
    assert isinstance(answer, Reply)
    assert (answer.body_bytes, answer.body_sha256) == (5, hashlib.sha256(b"hello").hexdigest())


def test_a_fresh_connection_that_is_closed_is_broken() -> None:
    with ScriptedHttp([0, CLOSE]) as server:
        http = client(server)
        assert isinstance(http.request("HEAD", url(server), {}), Broken)
        http.close()
    assert server.connections == 1


def test_nobody_listening_is_broken() -> None:
    with ScriptedHttp([]) as server:
        gone = url(server)
    assert isinstance(Http(Target(gone)).request("HEAD", gone, {}), Broken)


def test_an_answer_that_is_never_finished_is_given_up_after_one_timeout() -> None:
    with ScriptedHttp([0, b"HTTP/1.1 200 OK\r\nX: "]) as server:
        http = client(server, timeout_s=0.4)
        began_s = monotonic_s()
        answer = http.request("HEAD", url(server), {})
        assert isinstance(answer, Broken)
        assert "0.4 s" in answer.why
        assert 0.3 < monotonic_s() - began_s < 2.0
        http.close()


def test_a_peer_that_stops_reading_is_given_up() -> None:
    with ScriptedHttp([0]) as server:
        http = client(server, timeout_s=0.4)
        answer = http.request("PATCH", url(server), {}, lambda: iter([bytes(1 << 20)] * 64), 64 << 20)
        assert isinstance(answer, Broken)
        assert answer.sent_bytes < 64 << 20
        http.close()


def test_a_refusal_in_the_middle_of_the_body_is_heard() -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with ScriptedHttp([0, refusal]) as server:
        http = client(server)
        answer = http.request("PATCH", url(server), {}, body, 5)
        assert isinstance(answer, Reply)
        assert answer.status == 413
        http.close()


BIG = 300 << 10
TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


def put(server: ScriptedHttp, timeout_s: float = 5.0) -> Reply | Broken:
    http = client(server, timeout_s)
    answer = http.request("PUT", url(server), {}, lambda: iter([bytes(BIG)]), BIG)
    http.close()
    return answer


def test_a_large_put_is_sent_when_it_is_asked_for() -> None:
    with ScriptedHttp([0, b"HTTP/1.1 100 Continue\r\n\r\n", BIG, TAKEN]) as server:
        assert put(server) == Reply(201, {"content-length": "0"}, BIG)
    assert "Expect: 100-continue" in server.heads[0].split("\r\n")


@pytest.mark.parametrize("status", [401, 403, 413, 507])
def test_a_large_put_that_is_refused_costs_no_body(status: int) -> None:
    with ScriptedHttp([0, f"HTTP/1.1 {status} no\r\nContent-Length: 0\r\n\r\n".encode()]) as server:
        answer = put(server)
    assert isinstance(answer, Reply)
    assert (answer.status, answer.sent_bytes) == (status, 0)


def test_a_server_that_does_not_know_the_question_gets_the_body_all_the_same() -> None:
    silent: list[Step] = [0, BIG, TAKEN]
    knowing_not: list[Step] = [0, b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", CLOSE]
    with ScriptedHttp(silent) as server:
        assert put(server, timeout_s=0.4) == Reply(201, {"content-length": "0"}, BIG)
    with ScriptedHttp(knowing_not, silent) as server:
        assert put(server) == Reply(201, {"content-length": "0"}, BIG)
    assert "Expect: 100-continue" not in server.heads[1].split("\r\n")


def test_an_answer_that_comes_together_with_the_invitation_is_not_lost() -> None:
    with ScriptedHttp([0, b"HTTP/1.1 100 Continue\r\n\r\n" + TAKEN, BIG]) as server:
        assert put(server) == Reply(201, {"content-length": "0"}, BIG)


def test_the_end_of_the_connection_instead_of_an_invitation_is_broken() -> None:
    with ScriptedHttp([0, CLOSE]) as server:
        answer = put(server)
    assert isinstance(answer, Broken)
    assert answer.sent_bytes == 0


def test_garbage_is_broken_and_not_an_exception() -> None:
    with ScriptedHttp([0, b"SSH-2.0-OpenSSH_9.2\r\n\r\n", CLOSE]) as server:
        http = client(server)
        assert isinstance(http.request("HEAD", url(server), {}), Broken)
        http.close()


def test_a_redirect_within_the_origin_keeps_method_and_body() -> None:
    moved = b"HTTP/1.1 308 Permanent Redirect\r\nLocation: /new/files\r\nContent-Length: 0\r\n\r\n"
    with ScriptedHttp([0, 5, moved, 0, 5, OK]) as server:
        http = client(server)
        assert http.request("PATCH", url(server), {}, body, 5) == Reply(204, {"upload-offset": "5"}, 5)
        http.close()
    assert [head.split()[:2] for head in server.heads] == [["PATCH", "/files"], ["PATCH", "/new/files"]]


@pytest.mark.parametrize("location", ["http://elsewhere.example/files", "//elsewhere.example/files", "ftp://127.0.0.1/", ""])
def test_a_redirect_to_another_host_is_not_followed(location: str) -> None:
    moved = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    with ScriptedHttp([0, moved]) as server:
        http = client(server)
        answer = http.request("POST", url(server), {})
        http.close()
    assert isinstance(answer, Reply)
    assert answer.status == 307
    assert server.connections == 1


def test_a_redirect_in_circles_ends() -> None:
    first = b"HTTP/1.1 307 x\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n"
    second = b"HTTP/1.1 307 x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
    with ScriptedHttp([0, first, 0, second, 0, first, 0, second]) as server:
        http = client(server)
        assert isinstance(http.request("POST", url(server), {}), Broken)
        http.close()


def test_an_error_of_the_body_passes_through_and_the_connection_is_given_up() -> None:
    def failing() -> Iterator[bytes]:
        yield b"he"
        raise RuntimeError("the card died")

    with ScriptedHttp([0], [0, OK]) as server:
        http = client(server)
        with pytest.raises(RuntimeError, match="the card died"):
            http.request("PATCH", url(server), {}, failing, 5)
        assert isinstance(http.request("HEAD", url(server), {}), Reply)
        http.close()
    assert server.connections == 2


def test_plain_http_is_for_loopback_only(tmp_path: Path) -> None:
    assert target_of(Upload(url="http://127.0.0.1:1/files")).tls is None
    with pytest.raises(ConfigError, match="plain http"):
        target_of(Upload(url="http://centre.example/files"))
    assert target_of(Upload(url="https://centre.example/files")).tls is not None
    with pytest.raises(ConfigError, match="certificate"):
        target_of(Upload(url="https://centre.example/files", ca=str(tmp_path / "missing.pem")))


def test_a_token_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("secret\n")
    path.chmod(0o600)
    assert target_of(Upload(url="http://localhost/files", token_file=str(path))).token == "secret"
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        target_of(Upload(url="http://localhost/files", token_file=str(path)))


@pytest.mark.parametrize("token", ["se cret", "\u017c\u00f3\u0142w"])
def test_a_token_that_no_header_can_carry_is_refused(token: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(token, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="RFC 6750"):
        target_of(Upload(url="http://localhost/files", token_file=str(path)))


def test_settings_come_from_the_configuration() -> None:
    settings = settings_of(Upload(url="http://localhost/", rate_kbps=800, patch_bytes=1 << 20, progress_timeout_s=7.0, backoff_max_s=0.5))
    assert (settings.bytes_per_s, settings.progress_timeout_s) == (100_000, 7.0)
    assert (settings.limits.patch_bytes, settings.limits.backoff_min_s, settings.limits.backoff_max_s) == (1 << 20, 0.5, 0.5)


def test_a_rate_is_kept(tmp_path: Path) -> None:
    server = ReceiverServer(ServeSettings(folder=tmp_path / "received"), LinuxDisk(), ManualClock())
    server.start()
    try:
        delivery = Delivery(server.url, MemoryClip(noise(464 << 10)), settings=replace(QUICK, bytes_per_s=400 << 10))
        began_s = monotonic_s()
        assert delivery.send().state == "done"
        assert 1.0 <= monotonic_s() - began_s < 5.0, "all but a burst of 64 KiB at 400 KiB/s"
    finally:
        server.stop()
