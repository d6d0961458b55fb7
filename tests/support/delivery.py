"""Sending a clip with quick settings, for tests that need a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from dataclasses import replace as changed

from edge.clock import monotonic_s
from edge.upload.http import Target
from edge.upload.parcel import metadata_of
from edge.upload.send import Progress, Sent, Settings, send_file
from edge.upload.sigv4 import Signer
from edge.upload.steps import Limits
from tests.support.clips import MemoryClip

QUICK = Settings(
    connect_timeout_s=5.0,
    progress_timeout_s=5.0,
    limits=Limits(backoff_min_s=0.02, backoff_max_s=0.3, lock_wait_s=0.05, confirm_wait_s=0.02, confirm_tries=100),
)


def quick(progress_timeout_s: float = 5.0, **limits: int) -> Settings:
    return changed(QUICK, progress_timeout_s=progress_timeout_s, limits=changed(QUICK.limits, **limits))


@dataclass
class Delivery:
    """Keeps what a job would keep: the address of the upload. `hook` runs at each progress."""

    url: str
    clip: MemoryClip
    name: str = "clip.mp4"
    request: str = "r-1"
    token: str = ""
    signer: Signer | None = None
    settings: Settings = QUICK
    hook: Callable[[Progress], None] = lambda progress: None
    remembered: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def send(self, within_s: float = 60.0, target: Target | None = None) -> Sent:
        sha256 = self.clip.etag()
        return send_file(
            target or Target(self.url, self.token, None, self.signer),
            self.clip,
            metadata=metadata_of("pole-7", self.request, self.name, sha256),
            sha256=sha256,
            remembered_url=self.remembered[-1] if self.remembered else "",
            remember=self.remembered.append,
            on_progress=self.hook,
            stop=self.stop,
            deadline_s=monotonic_s() + within_s,
            settings=self.settings,
        )
