"""The same suite against our receiver and receivers that are not ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.upload.http import Http, Target
from edge.upload.send import Progress
from edge.upload.steps import Reply
from edge.upload.undo import remove
from tests.support.clips import MemoryClip, noise
from tests.support.delivery import Delivery, quick
from tests.support.proxy import Proxy
from tests.support.tus_node import tus_node
from tests.support.upload_servers import TUS, Server

MIB = 1 << 20


@pytest.fixture(params=TUS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    running = Server.start(request.param, tmp_path / "received")
    yield running
    running.process.kill()


def test_a_clip_arrives_byte_for_byte_and_is_confirmed(server: Server) -> None:
    delivery = Delivery(server.url, MemoryClip(noise(20 * MIB + 13)))
    sent = delivery.send()
    assert (sent.state, sent.code) == ("done", "")
    assert server.stored(sent.url, "clip.mp4") == delivery.clip.data
    assert sent.progress.sent_bytes == delivery.clip.size, "no byte was sent twice"
    assert delivery.remembered == [sent.url]


def test_an_upload_stopped_half_way_goes_on_where_it_was(server: Server) -> None:
    delivery = Delivery(server.url, MemoryClip(noise(3 * MIB)), settings=quick(patch_bytes=MIB))

    def stop_half_way(progress: Progress) -> None:
        if progress.offset >= MIB:
            delivery.stop.set()

    delivery.hook = stop_half_way
    assert delivery.send().state == "stopped"
    delivery.stop.clear()
    delivery.hook = lambda progress: None
    sent = delivery.send()
    assert sent.state == "done"
    assert sent.progress.sent_bytes <= 2 * MIB
    assert len(delivery.remembered) == 1
    assert server.stored(sent.url, "clip.mp4") == delivery.clip.data


def test_what_is_half_sent_of_a_job_that_is_called_off_is_removed(server: Server) -> None:
    delivery = Delivery(server.url, MemoryClip(noise(3 * MIB)), settings=quick(patch_bytes=MIB))

    def stop_half_way(progress: Progress) -> None:
        if progress.offset >= MIB:
            delivery.stop.set()

    delivery.hook = stop_half_way
    assert delivery.send().state == "stopped"
    [url] = delivery.remembered
    head = {"Tus-Resumable": "1.0.0"}
    asker = Http(Target(server.url))
    before = asker.request("HEAD", url, head)
    assert isinstance(before, Reply)
    assert before.status == 200
    assert remove(Target(server.url), delivery.settings, delivery.clip.etag(), url, threading.Event())
    after = asker.request("HEAD", url, head)
    assert isinstance(after, Reply)
    assert after.status in (404, 410)
    assert remove(Target(server.url), delivery.settings, delivery.clip.etag(), url, threading.Event()), "once more is no fault"
    asker.close()


def test_two_clips_with_the_same_beginning_are_two_uploads(server: Server) -> None:
    beginning = noise(64 << 10)
    first = Delivery(server.url, MemoryClip(beginning + noise(MIB, 2)), name="first.mp4")
    second = Delivery(server.url, MemoryClip(beginning + noise(MIB, 3)), name="second.mp4")
    one, two = first.send(), second.send()
    assert (one.state, two.state) == ("done", "done")
    assert one.url != two.url
    assert server.stored(one.url, "first.mp4") == first.clip.data
    assert server.stored(two.url, "second.mp4") == second.clip.data


def test_an_address_nobody_knows_any_more_is_created_anew(server: Server) -> None:
    delivery = Delivery(server.url, MemoryClip(noise(MIB)), remembered=[f"{server.url}/{'0' * 32}"])
    sent = delivery.send()
    assert sent.state == "done"
    assert len(delivery.remembered) == 2
    assert server.stored(sent.url, "clip.mp4") == delivery.clip.data


def test_an_address_that_holds_another_file_is_never_taken_for_ours(server: Server) -> None:
    other = Delivery(server.url, MemoryClip(noise(MIB, 5)), name="other.mp4").send()
    longer = Delivery(server.url, MemoryClip(noise(MIB + 1)), remembered=[other.url])
    same_size = Delivery(server.url, MemoryClip(noise(MIB, 7)), name="same.mp4", remembered=[other.url])
    for delivery in (longer, same_size):
        sent = delivery.send()
        assert sent.state == "done"
        assert sent.url != other.url
        assert server.stored(sent.url, delivery.name) == delivery.clip.data


def test_a_server_killed_twice_in_the_middle_ends_with_the_same_bytes(server: Server) -> None:
    with Proxy(server.port) as proxy:
        clip = MemoryClip(noise(24 * MIB))
        delivery = Delivery(f"http://127.0.0.1:{proxy.port}/files", clip, settings=quick(patch_bytes=4 * MIB))
        proxy.at(5 * MIB + 1234, server.restart)
        proxy.at(15 * MIB + 4321, server.restart)
        sent = delivery.send()
        assert sent.state == "done"
        assert server.stored(sent.url, "clip.mp4") == clip.data
        assert sent.progress.resumes >= 2


def test_a_connection_that_is_cut_again_and_again_still_delivers(server: Server) -> None:
    with Proxy(server.port) as proxy:
        proxy.cut_every = 700_000
        clip = MemoryClip(noise(6 * MIB))
        sent = Delivery(f"http://127.0.0.1:{proxy.port}/files", clip).send()
        assert sent.state == "done"
        assert server.stored(sent.url, "clip.mp4") == clip.data
        assert proxy.cuts >= 8


def test_bytes_at_a_wrong_offset_are_refused_with_409(server: Server) -> None:
    client = Http(Target(server.url))
    made = client.request(
        "POST",
        server.url,
        {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "10",
            "Upload-Metadata": "filename YQ==,filetype YQ==,node YQ==,request YQ==,name YQ==",
        },
    )
    assert isinstance(made, Reply)
    assert made.status == 201
    url = made.headers["location"]
    url = url if url.startswith("http") else f"{server.url.removesuffix('/files')}/{url.lstrip('/')}"
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "3", "Content-Type": "application/offset+octet-stream"}
    answer = client.request("PATCH", url, headers, lambda: iter([b"abcde"]), 5)
    client.close()
    assert isinstance(answer, Reply)
    assert answer.status == 409


def test_a_receiver_without_digests_is_never_believed(tmp_path: Path) -> None:
    process = tus_node(tmp_path / "received", digests=False)
    try:
        url = f"http://127.0.0.1:{process.first_line}/files"
        delivery = Delivery(url, MemoryClip(noise(MIB)), settings=quick(confirm_tries=5))
        sent = delivery.send()
    finally:
        process.kill()
    assert (sent.state, sent.code) == ("failed", "unconfirmed")
    assert "Repr-Digest" in sent.text
