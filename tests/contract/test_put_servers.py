"""Plain PUT against a WebDAV server that is not ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.upload.http import Target
from edge.upload.undo import remove
from tests.support.clips import MemoryClip, noise
from tests.support.delivery import QUICK, Delivery
from tests.support.line_process import LineProcess
from tests.support.proxy import Proxy
from tests.support.webdav import webdav

MIB = 1 << 20
PUT = replace(QUICK, method="put")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LineProcess]:
    process = webdav(tmp_path / "received")
    yield process
    process.kill()


def _url(port: int | str) -> str:
    return f"http://127.0.0.1:{port}/"


def _job(tmp_path: Path) -> Path:
    return tmp_path / "received" / "pole-7" / "r-1"


def test_a_clip_lies_under_node_job_and_name_byte_for_byte_and_nothing_else(server: LineProcess, tmp_path: Path) -> None:
    delivery = Delivery(_url(server.first_line), MemoryClip(noise(3 * MIB + 13)), settings=PUT)
    sent = delivery.send()
    assert (sent.state, sent.code) == ("done", ""), sent
    assert [path.name for path in _job(tmp_path).iterdir()] == ["clip.mp4"]
    assert (_job(tmp_path) / "clip.mp4").read_bytes() == delivery.clip.data
    assert sent.progress.sent_bytes == delivery.clip.size


def test_a_clip_that_is_already_there_is_not_sent_again(server: LineProcess) -> None:
    delivery = Delivery(_url(server.first_line), MemoryClip(noise(MIB)), settings=PUT)
    assert delivery.send().state == "done"
    again = delivery.send()
    assert (again.state, again.progress.sent_bytes) == ("done", 0)


def test_a_file_of_that_name_with_other_bytes_is_never_overwritten(server: LineProcess, tmp_path: Path) -> None:
    _job(tmp_path).mkdir(parents=True)
    (_job(tmp_path) / "clip.mp4").write_bytes(b"somebody else's")
    sent = Delivery(_url(server.first_line), MemoryClip(noise(MIB)), settings=PUT).send()
    assert (sent.state, sent.code) == ("failed", "conflict")
    assert (_job(tmp_path) / "clip.mp4").read_bytes() == b"somebody else's"


def test_what_is_half_sent_of_a_job_that_is_called_off_is_removed_and_nothing_else(server: LineProcess, tmp_path: Path) -> None:
    delivery = Delivery(_url(server.first_line), MemoryClip(noise(4 * MIB)), settings=PUT)
    with Proxy(int(server.first_line)) as proxy:
        proxy.at(1_500_000, delivery.stop.set)
        proxy.cut_every = 2_000_000
        delivery.url = _url(proxy.port)
        assert delivery.send().state == "stopped"
    names = [path.name for path in _job(tmp_path).iterdir()]
    assert [name.endswith(".part") for name in names] == [True], names
    (_job(tmp_path) / "clip.mp4").write_bytes(b"somebody else's")
    url = f"{_url(server.first_line)}pole-7/r-1/clip.mp4"
    assert remove(Target(_url(server.first_line)), PUT, delivery.clip.etag(), url, threading.Event())
    assert [path.read_bytes() for path in _job(tmp_path).iterdir()] == [b"somebody else's"]


def test_a_put_that_is_cut_is_sent_whole_again(server: LineProcess, tmp_path: Path) -> None:
    with Proxy(int(server.first_line)) as proxy:

        def mend() -> None:
            proxy.cut_every = 0

        proxy.cut_every = 700_000
        proxy.at(1_500_000, mend)
        delivery = Delivery(_url(proxy.port), MemoryClip(noise(4 * MIB)), settings=PUT)
        sent = delivery.send()
    assert sent.state == "done", sent
    assert sent.progress.attempts >= 2
    assert (_job(tmp_path) / "clip.mp4").read_bytes() == delivery.clip.data
