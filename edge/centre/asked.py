"""A command that was sent, as the asker sees it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection

from edge.clock import monotonic_s
from edge.messages.clip import JobProgress
from edge.messages.wire import Response

FINAL = ("done", "failed", "cancelled", "refused")
_PICTURES_MAX = 8


class Asked:
    """Any thread. `id` names the request; asking again with it joins the same job."""

    def __init__(self, node: str, id: str, verb: str = "clip") -> None:
        self.node = node
        self.id = id
        self.verb = verb
        self._changed = threading.Condition()
        self._responses: list[Response] = []
        self._progress: JobProgress | None = None
        self._delivery: int | None = None
        self._pictures: dict[str, bytes] = {}

    @property
    def picture(self) -> bytes | None:
        """The JPEG that a `snapshot` was answered with: the one whose SHA-256 stands in the answer. None until both have come."""
        with self._changed:
            return self._picture_unlocked()

    @property
    def responses(self) -> list[Response]:
        with self._changed:
            return list(self._responses)

    @property
    def progress(self) -> JobProgress | None:
        with self._changed:
            return self._progress

    @property
    def delivery(self) -> int | None:
        """The broker's reason code for the request: 0x00 taken, 0x10 the node has no session there; None: not known yet."""
        with self._changed:
            return self._delivery

    @property
    def undelivered(self) -> bool:
        """The broker gave the request to nobody, or refused it: no answer will come."""
        return self.delivery is not None and self.delivery != 0

    @property
    def final(self) -> Response | None:
        """The last word (done, failed, refused); `manifest` lists the files when done."""
        with self._changed:
            return self._final_unlocked()

    def wait(self, timeout_s: float, on_change: Callable[[Asked], None] | None = None) -> Response | None:
        """Until the last word, or None when it does not come in time, or cannot come (`undelivered`). `on_change` is called here, at each
        answer and progress."""
        ends_s = monotonic_s() + timeout_s
        seen = (0, self._progress, self._delivery)
        while True:
            with self._changed:
                now = (len(self._responses), self._progress, self._delivery)
                final = self._final_unlocked()
                left_s = ends_s - monotonic_s()
                if now == seen and final is None and left_s > 0 and not self.undelivered:
                    self._changed.wait(left_s)
                    continue
            if now != seen and on_change is not None:
                on_change(self)
            seen = now
            if final is not None or left_s <= 0 or self.undelivered:
                return final

    def _final_unlocked(self) -> Response | None:
        return next((each for each in self._responses if each.state in FINAL), None)

    def answered(self, response: Response) -> None:
        with self._changed:
            if response not in self._responses:
                self._responses.append(response)
            self._changed.notify_all()

    def progressed(self, progress: JobProgress) -> None:
        with self._changed:
            self._progress = progress
            self._changed.notify_all()

    def pictured(self, jpeg: bytes) -> None:
        with self._changed:
            self._pictures[hashlib.sha256(jpeg).hexdigest()] = jpeg
            if len(self._pictures) > _PICTURES_MAX:
                del self._pictures[next(iter(self._pictures))]
            self._changed.notify_all()

    def wait_picture(self, timeout_s: float) -> bytes | None:
        """None: no picture in time, or the last word is another than done. Picture and answer travel apart, in either order."""
        self.wait(timeout_s)
        with self._changed:
            self._changed.wait_for(lambda: self._picture_unlocked() is not None or self._hopeless_unlocked(), timeout_s)
            return self._picture_unlocked()

    def _picture_unlocked(self) -> bytes | None:
        final = self._final_unlocked()
        return self._pictures.get(str(final.data.get("sha256", ""))) if final is not None else None

    def _hopeless_unlocked(self) -> bool:
        final = self._final_unlocked()
        return final is None or final.state != "done"

    def delivered(self, code: int) -> None:
        with self._changed:
            self._delivery = code
            self._changed.notify_all()


class AskedAll:
    """A command that was sent to all nodes. Any thread. Nobody knows how many will answer: wait as long as suits."""

    def __init__(self, id: str, verb: str) -> None:
        self.id = id
        self.verb = verb
        self._changed = threading.Condition()
        self._finals: dict[str, Response] = {}
        self.delivery: int | None = None
        """The broker's reason code; None: not known yet."""

    @property
    def finals(self) -> dict[str, Response]:
        """Node -> its last word, of those that have said it."""
        with self._changed:
            return dict(sorted(self._finals.items()))

    def wait(self, nodes: Collection[str], timeout_s: float) -> dict[str, Response]:
        """Until all of `nodes` have said their last word, or the time is over; what came."""
        with self._changed:
            self._changed.wait_for(lambda: all(node in self._finals for node in nodes), timeout_s)
        return self.finals

    def answered(self, node: str, response: Response) -> None:
        if response.state in FINAL:
            with self._changed:
                self._finals.setdefault(node, response)
                self._changed.notify_all()

    def delivered(self, code: int) -> None:
        with self._changed:
            self.delivery = code
            self._changed.notify_all()
