"""Waiting for what a link has to say."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import TypeVar

from edge.link.port import Event, Link

Kind = TypeVar("Kind")


def wait_for(link: Link, kind: type[Kind], passes: Callable[[Kind], bool] = lambda _: True, deadline_s: float = 15.0) -> Kind:
    """The next event of that kind; earlier ones of other kinds are dropped."""
    ends_s = time.monotonic() + deadline_s
    while True:
        try:
            event: Event = link.events.get(timeout=max(0.0, ends_s - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"no {kind.__name__} within {deadline_s} s") from None
        if isinstance(event, kind) and passes(event):
            return event
