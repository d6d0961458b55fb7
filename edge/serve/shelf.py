"""What the endpoints are made of, and the metadata among them: cameras and timelines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from edge.clock import Clock
from edge.errors import Refused
from edge.host.disk import Disk
from edge.ring.query import RingReader
from edge.ring.timeline_document import as_document

V1 = "/v1"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Shelf:
    """names: of the configured cameras, by id. ring: a reader for the thread that calls it. looking, reading: who runs what waits for the
    disk: `looking` one thread for timelines and snapshots, `reading` those that read clips for clients."""

    node: str
    place: str
    names: Mapping[str, str]
    ring: Callable[[], RingReader]
    disk: Disk
    clock: Clock
    looking: Executor
    reading: Executor

    async def look(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """In the thread `looking`."""
        return await self.run(self.looking, function, *arguments)

    async def run(self, executor: Executor, function: Callable[..., _T], *arguments: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(executor, function, *arguments)

    def index(self) -> dict[str, Any]:
        return {"node": self.node, "place": self.place, "cameras": f"{V1}/cameras"}

    def cameras(self) -> list[dict[str, Any]]:
        """Those of the configuration and those that left footage here."""
        known = dict.fromkeys([*self.names, *self.ring().cameras()])
        return [self._camera(each) for each in known]

    def _camera(self, camera: str) -> dict[str, Any]:
        here = path_of(camera)
        links = {word: f"{here}/{word}" for word in ("timeline", "snapshot", "clip")}
        return {"id": camera, "name": self.names.get(camera, ""), "configured": camera in self.names, **links}

    def known(self, camera: str) -> str:
        """Raises Refused: unknown_camera."""
        cameras = dict.fromkeys([*self.names, *self.ring().cameras()])
        if camera not in cameras:
            raise Refused("unknown_camera", f"there is no camera {camera[:80]!r}", remedy=f"one of {', '.join(cameras)}")
        return camera

    def timeline(self, camera: str, start_ns: int, end_ns: int) -> dict[str, Any]:
        return as_document(self.ring().timeline(self.known(camera), start_ns, end_ns))


def path_of(camera: str) -> str:
    return f"{V1}/cameras/{quote(camera, safe='')}"
