"""Clips are found and hashed once, one after another, however many ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import msgspec
import pytest

from edge.clip.found import Found, find_clips
from edge.clock import ManualClock, format_utc, parse_utc
from edge.errors import IntegrityError, Refused
from edge.host.linux_disk import LinuxDisk
from edge.messages.clip import ClipRequest
from edge.ring.query import RingReader
from edge.serve.prepared import KEPT_MAX, WAITING_MAX, PreparedClips, are_there
from tests.support.ondisk import CAMERA, START_NS, at, make_node

DEADLINE_S = 30.0
T = TypeVar("T")


class Shop:
    """A node's ring behind a door that `open` holds shut until it is set. looks: how often footage was looked for."""

    def __init__(self, folder: Path) -> None:
        self.node = make_node(folder)
        self.open, self.looks = Event(), 0
        self.trouble: list[Exception] = []
        self.clock = ManualClock(START_NS + 3600_000_000_000)
        self.worker = ThreadPoolExecutor(1)
        self.clips = PreparedClips(self._look, self._ring, self.clock, self.worker)

    def _ring(self) -> RingReader:
        return RingReader(LinuxDisk(), self.node.data, self.clock, "boot")

    def _look(self, ring: RingReader, request: ClipRequest) -> Found:
        assert self.open.wait(DEADLINE_S)
        self.looks += 1
        if self.trouble:
            raise self.trouble.pop()
        return find_clips(LinuxDisk(), "pole-1", ring, request)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def asking(first_s: float = 0, last_s: float = 2, operator: str = "a") -> ClipRequest:
    return ClipRequest(id=operator, camera=CAMERA, start=at(first_s), end=at(last_s), operator=operator, case="1")


def run(shop: Shop, story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return asyncio.run(story())
    finally:
        shop.open.set()
        shop.worker.shutdown()


def test_who_waited_long_enough_is_told_to_come_again_and_then_has_it(shop: Shop) -> None:
    async def story() -> Found:
        with pytest.raises(Refused) as refused:
            await shop.clips.find(asking(), wait_s=0.01)
        assert refused.value.code == "preparing"
        shop.open.set()
        return await shop.clips.find(asking())

    found = run(shop, story)
    assert (shop.looks, len(found.clips), found.manifest.files[0].bytes) == (1, 1, found.clips[0].size)


def test_two_who_ask_for_the_same_wait_for_one_and_each_manifest_names_its_own_asker(shop: Shop) -> None:
    async def story() -> list[Found]:
        shop.open.set()
        return list(await asyncio.gather(shop.clips.find(asking(operator="a")), shop.clips.find(asking(operator="b"))))

    found = run(shop, story)
    assert shop.looks == 1
    assert [each.manifest.request.operator for each in found] == ["a", "b"]
    assert found[0].manifest.files == found[1].manifest.files


def test_a_failure_is_told_and_tried_again_by_the_next(shop: Shop) -> None:
    async def story() -> Found:
        shop.open.set()
        shop.trouble.append(IntegrityError("damaged"))
        with pytest.raises(IntegrityError):
            await shop.clips.find(asking())
        return await shop.clips.find(asking())

    assert run(shop, story).clips
    assert shop.looks == 2


def test_the_work_that_waits_is_bounded(shop: Shop) -> None:
    async def story() -> None:
        for number in range(WAITING_MAX):
            with pytest.raises(Refused, match="hashed"):
                await shop.clips.find(asking(0, 1 + number / 10), wait_s=0.01)
        with pytest.raises(Refused) as refused:
            await shop.clips.find(asking(0, 3), wait_s=0.01)
        assert refused.value.code == "busy"
        shop.open.set()
        await shop.clips.find(asking(0, 1))

    run(shop, story)


def test_only_so_many_are_kept_the_newest_ones(shop: Shop) -> None:
    async def story() -> None:
        shop.open.set()
        for number in range(KEPT_MAX + 2):
            await shop.clips.find(asking(0, 1 + number / 10))
        await shop.clips.find(asking(0, 1 + (KEPT_MAX + 1) / 10))
        assert shop.looks == KEPT_MAX + 2
        await shop.clips.find(asking(0, 1))
        assert shop.looks == KEPT_MAX + 3

    run(shop, story)


def test_a_clip_whose_footage_is_gone_is_noticed_and_found_anew(shop: Shop) -> None:
    async def story() -> tuple[Found, Found]:
        shop.open.set()
        first = await shop.clips.find(asking(0, 4))
        assert are_there(first.clips)
        shop.node.segments[1].unlink()
        assert not are_there(first.clips)
        shop.clips.forget(asking(0, 4))
        return first, await shop.clips.find(asking(0, 4))

    first, second = run(shop, story)
    assert second.clips[0].size < first.clips[0].size
    assert second.clips[0].etag() != first.clips[0].etag()


def test_the_hash_does_not_depend_on_who_asks_or_when(shop: Shop, tmp_path: Path) -> None:
    async def story() -> tuple[Found, Found]:
        shop.open.set()
        first = await shop.clips.find(asking(0.5, 3.5))
        shop.clips.forget(asking(0.5, 3.5))
        shop.clock.advance(3600.0)
        return first, await shop.clips.find(msgspec.structs.replace(asking(0.5, 3.5), operator="b", id="other"))

    first, second = run(shop, story)
    assert first.clips[0].etag() == second.clips[0].etag()
    assert format_utc(parse_utc(first.manifest.request.start)) == second.manifest.request.start
