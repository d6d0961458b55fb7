"""Uploads to an S3 that is not ours: who is let in, whose clock counts, what is proved. The faults: test_upload_faults.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.config.on_request import Upload
from edge.errors import ConfigError
from edge.upload.http import target_of
from edge.upload.put import PutMachine
from edge.upload.sigv4 import Signer
from edge.upload.steps import Failed, Offer, Remembered, Reply
from tests.support.clips import MemoryClip, noise
from tests.support.delivery import QUICK, Delivery
from tests.support.meddler import Fault, Meddler
from tests.support.s3 import KEY_ID, REGION, SECRET, s3
from tests.support.upload_servers import Server

S3 = replace(QUICK, method="s3")
YEAR_S = 365 * 86_400


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server.start("s3", tmp_path_factory.mktemp("s3"))
    yield running
    running.process.kill()


def test_a_clip_is_proved_by_the_checksum_that_the_server_keeps_and_is_not_read_back(server: Server) -> None:
    asked: list[str] = []

    def watch(method: str, path: str) -> Fault | None:
        asked.append(f"{method} {path}")
        return None

    with Meddler(server.port, watch) as between:
        clip = MemoryClip(noise(3_000_013))
        delivery = Delivery(server.through(between.port), clip, "Ząbkowska 5.mp4", "r-1", signer=server.signer, settings=S3)
        sent = delivery.send()
        assert (sent.state, sent.code, sent.progress.sent_bytes) == ("done", "", 3_000_013), sent
        place = "/footage/pole-7/r-1/Z%C4%85bkowska%205.mp4"
        assert asked == [f"HEAD {place}", f"PUT {place}", f"HEAD {place}"]
        assert delivery.send().progress.sent_bytes == 0, "it is there already"
    assert server.stored(sent.url, "Z%C4%85bkowska%205.mp4") == delivery.clip.data


@pytest.mark.parametrize("ahead_s", [YEAR_S, -YEAR_S, 1200])
def test_a_node_whose_clock_is_wrong_goes_by_the_servers(tmp_path: Path, ahead_s: float) -> None:
    server = Server("s3", tmp_path, s3(tmp_path, 0, ahead_s))
    try:
        clip = MemoryClip(noise(700_000))
        sent = Delivery(server.url, clip, signer=server.signer, settings=S3).send()
        assert (sent.state, sent.progress.sent_bytes) == ("done", clip.size), sent
    finally:
        server.process.kill()


@pytest.mark.parametrize("signer", [Signer(KEY_ID, "another", REGION), Signer("another", SECRET, REGION), None])
def test_a_stranger_is_refused_and_leaves_nothing(server: Server, signer: Signer | None) -> None:
    sent = Delivery(server.url, MemoryClip(noise(700_000)), request="r-no", signer=signer, settings=S3).send()
    assert (sent.state, sent.code) == ("failed", "forbidden"), sent
    assert server.names("r-no") == []


def test_a_request_that_the_server_cannot_read_fails_and_is_not_tried_for_ever(server: Server) -> None:
    sent = Delivery(
        server.url, MemoryClip(noise(700_000)), request="r-no", signer=Signer(KEY_ID, SECRET, "another-region"), settings=S3
    ).send()
    assert (sent.state, sent.code) == ("failed", "corrupted"), sent
    assert "400" in sent.text


def test_more_than_one_put_takes_is_refused_with_what_to_do() -> None:
    words = {"node": "n", "request": "r", "name": "c.mp4"}
    machine = PutMachine(Offer("https://h/b", (5 << 30) + 1, "0" * 64, words), objects=True)
    machine.on(Remembered())
    failed = machine.on(Reply(404, {}))
    assert isinstance(failed, Failed)
    assert failed.code == "too_large"
    assert "shorter clip" in failed.text


@pytest.mark.parametrize("line", ["AKIAPOLE7", ":secret", "AKIAPOLE7:"])
def test_a_key_of_another_form_is_refused_by_name(tmp_path: Path, line: str) -> None:
    token = tmp_path / "key"
    token.write_text(line + "\n")
    token.chmod(0o600)
    with pytest.raises(ConfigError, match="ACCESS_KEY_ID:SECRET_ACCESS_KEY"):
        target_of(Upload(url="https://h/b", method="s3", token_file=str(token)))
