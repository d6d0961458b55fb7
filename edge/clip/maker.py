"""The clip package as an upload job sees it: stored plans in, readable clips and a manifest out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from edge.clip.manifest import Whole, manifest
from edge.clip.package import PackageMaker
from edge.clip.shape import decode_plan
from edge.clip.sound import sound_plan
from edge.clip.source import Opener
from edge.clip.virtual import VirtualClip, open_part
from edge.messages.clip import ClipRequest, Manifest

_CHECK_S = 0.5


class ClipMaker:
    """node: its id, for the manifests. packages: makes what goes with the clips. All methods raise IntegrityError where the stored plan is
    damaged. Any thread, but one for each job."""

    def __init__(self, node: str, packages: PackageMaker) -> None:
        self._node = node
        self._packages = packages
        self._packing = threading.Lock()

    def prepare(self, plan: bytes, segment: Opener) -> bytes:
        """The plan without footage that cannot be read (see sound_plan). Reads everything once."""
        return sound_plan(decode_plan(plan), segment)[0].encode()

    def parts(self, plan: bytes) -> int:
        """How many files the plan makes."""
        return len(decode_plan(plan).parts)

    def open(self, plan: bytes, part: int, segment: Opener) -> VirtualClip:
        """The same bytes at every call. Raises StorageError, IntegrityError."""
        return open_part(decode_plan(plan).parts[part], segment)

    def manifest(self, request: ClipRequest, plan: bytes, clips: Mapping[int, Whole]) -> Manifest:
        """One ClipFile per clip, in the order of the mapping; parts of the plan without a clip are gaps."""
        return manifest(self._node, request, decode_plan(plan), clips)

    def package(self, manifest: Manifest, plan: bytes, segment: Opener, check: Callable[[], None]) -> Mapping[str, bytes]:
        """clip.json, its signature where there is a key, the reports. Other bytes at each call: they tell when they were made. One package
        at a time: each decodes pictures and opens the key."""
        while not self._packing.acquire(timeout=_CHECK_S):
            check()
        try:
            return self._packages.make(manifest, decode_plan(plan), segment, check).files
        finally:
            self._packing.release()
