"""The tus 1.0 client as a pure state machine: what to do next, given what came back. No socket, no clock, no randomness.

The driver (send.py) carries out `Machine.action` and tells the result with `Machine.on`. What the machine guarantees:

1. No byte is sent before the upload's URL was handed to `Remember`.
2. Every PATCH starts at an offset the server confirmed in its latest answer.
3. 404/410: the upload is gone, create anew. 409: ask the offset again. 423: wait, ask again, never create anew. 460: hash our own bytes
   again and try once. 401/403/413 and other refusals: fail with a code. 5xx, 408, 425, 429 and broken connections: back off, for ever
   (the driver has the deadline).
4. `Done` only after a HEAD at full length whose Repr-Digest (RFC 9530, sha-256) equals ours.
"""

from __future__ import annotations

from collections.abc import Callable

from edge.host.origin import on_our_origin
from edge.messages.tus import count_of, sha256_of, words_of
from edge.upload.steps import (
    LATER,
    Action,
    Broken,
    Create,
    Done,
    Failed,
    Happening,
    Hashed,
    Head,
    Limits,
    Offer,
    Options,
    Patch,
    Rehash,
    Remember,
    Remembered,
    Reply,
    Request,
    Wait,
    Waited,
    back_off,
    changed,
    moved_off,
)

GONE = (404, 410)
REFUSALS = {401: "unauthorised", 403: "forbidden", 412: "tus_version", 413: "too_large"}


class Machine:
    """One upload of one file. Not thread-safe; belongs to the driver's thread.

    Readable by the driver: `action`, `offset` (bytes the server confirmed), `sent_bytes` (all body bytes, repeats included), `attempts`
    (PATCH requests), `resumes` (PATCHes that went on after a break), `buffering` (something in between keeps nothing of a cut PATCH),
    `trouble` (the latest one, for people).
    """

    def __init__(self, offer: Offer, limits: Limits | None = None, remembered_url: str = "") -> None:
        self._offer = offer
        self._limits = limits or Limits()
        self._url = remembered_url
        self._checksum = ""
        self._patch_bytes = self._limits.patch_bytes
        self._failures = 0
        self._creations = 0
        self._cut_bytes = 0
        self._broken = bool(remembered_url)
        self._retried_at: int | None = None
        self._unconfirmed = 0
        self._corrupt = 0
        self.offset = 0
        self.sent_bytes = 0
        self.attempts = 0
        self.resumes = 0
        self.buffering = False
        self.trouble = ""
        self.action: Action = Options()

    def on(self, happening: Happening) -> Action:
        """Raises ValueError when the happening does not answer the action under way (a bug of the driver)."""
        action = self.action
        if isinstance(action, (Options, Create, Head, Patch)) and isinstance(happening, (Reply, Broken)):
            self.action = self._answered(action, happening)
        elif isinstance(action, Remember) and isinstance(happening, Remembered):
            self.action = self._patch()
        elif isinstance(action, Wait) and isinstance(happening, Waited):
            self.action = action.then
        elif isinstance(action, Rehash) and isinstance(happening, Hashed):
            self.action = self._rehashed(action, happening)
        else:
            raise ValueError(f"{happening} does not answer {action}")
        return self.action

    def _answered(self, action: Request, happening: Reply | Broken) -> Action:
        if isinstance(action, Patch):
            self.attempts += 1
            self.sent_bytes += happening.sent_bytes
        if isinstance(happening, Broken):
            return self._back_off(action, happening.why, happening.sent_bytes)
        handlers: dict[type[Request], Callable[[Reply], Action]] = {
            Options: self._on_options,
            Create: self._on_create,
            Head: self._on_head,
            Patch: self._on_patch,
        }
        special = self._on_common(action, happening)
        return special if special is not None else handlers[type(action)](happening)

    def _on_common(self, action: Request, reply: Reply) -> Action | None:
        """Statuses that mean the same whatever was asked; None for the others."""
        status = reply.status
        if status >= 500 or status in LATER:
            return self._back_off(action, f"the server answered {status}", reply.sent_bytes, count_of(reply.headers, "retry-after") or 0)
        if status == 423:
            then = Head(self._url) if isinstance(action, (Head, Patch)) else action
            return Wait(self._limits.lock_wait_s, then, "the upload is locked by another request", jitter=False)
        if status in GONE and isinstance(action, (Head, Patch)):
            return self._anew(f"the server answered {status}: the upload is gone")
        if status == 413 and isinstance(action, Patch) and action.length > self._limits.small_patch_bytes:
            self._patch_bytes = self._limits.small_patch_bytes  # a proxy's limit for one request, not the server's for the file
            return Head(self._url)
        if status in REFUSALS:
            return Failed(REFUSALS[status], f"the server answered {status} to {type(action).__name__.upper()}")
        return None if isinstance(action, Options) else moved_off(reply)

    def _on_options(self, reply: Reply) -> Action:
        """A server that does not know OPTIONS offers no extensions."""
        if 200 <= reply.status < 300:
            algorithms = words_of(reply.headers, "tus-checksum-algorithm")
            if "checksum" in words_of(reply.headers, "tus-extension"):
                self._checksum = next((name for name in ("sha256", "sha1") if name in algorithms), "")
            most = count_of(reply.headers, "tus-max-size")
            if most and self._offer.size > most:
                return Failed("too_large", f"the file has {self._offer.size} bytes, the server takes at most {most}")
        return Head(self._url) if self._url else Create()

    def _on_create(self, reply: Reply) -> Action:
        location = reply.headers.get("location", "")
        if reply.status != 201 or not location:
            return Failed(f"http_{reply.status}", f"the server answered {reply.status} to the creation of the upload")
        url = on_our_origin(self._offer.creation_url, location)
        if url is None:
            return Failed("off_origin", f"the server wants the upload sent to another host: {location[:200]}")
        self._url, self.offset, self._retried_at, self._unconfirmed = url, 0, None, 0
        self._creations += 1
        return Remember(url)

    def _on_head(self, reply: Reply) -> Action:
        offset, length = count_of(reply.headers, "upload-offset"), count_of(reply.headers, "upload-length")
        if not 200 <= reply.status < 300:
            return Failed(f"http_{reply.status}", f"the server answered {reply.status} when asked for the offset")
        if offset is None:
            return self._back_off(Head(self._url), "the server did not say its offset", 0)
        if offset > self._offer.size or length not in (None, self._offer.size):
            return self._anew("the remembered upload is another file")
        self._moved_to(offset)
        if offset == self._offer.size:
            return self._confirm(sha256_of(reply.headers.get("repr-digest", "")))
        return self._patch()

    def _on_patch(self, reply: Reply) -> Action:
        if reply.status == 409:
            return self._ask_offset("the server is at another offset than it said")
        if reply.status == 460:
            return self._on_bad_checksum()
        if reply.status not in (200, 204):
            return Failed(f"http_{reply.status}", f"the server answered {reply.status} to a part of the file")
        offset = count_of(reply.headers, "upload-offset")
        if offset is not None and offset == self.offset + reply.sent_bytes >= self._offer.size:
            return Head(self._url)
        if offset != self.offset + reply.sent_bytes or not reply.sent_bytes:
            return self._ask_offset("the server took a part of the file and did not say that it has it")
        self._moved_to(offset)
        return self._patch()

    def _ask_offset(self, why: str) -> Action:
        """The first time at once; where the answers do not bring us on, ever more slowly."""
        self._failures += 1
        self.trouble = why
        return Head(self._url) if self._failures == 1 else self._waiting(Head(self._url), why)

    def _on_bad_checksum(self) -> Action:
        if self._retried_at == self.offset:
            return Failed("checksum", f"the part at byte {self.offset} arrived damaged twice")
        self._retried_at = self.offset
        self.trouble = f"the part at byte {self.offset} arrived damaged"
        return Rehash(self._next_patch())

    def _moved_to(self, offset: int) -> None:
        if offset > self.offset:
            self._failures = self._cut_bytes = 0
            self.trouble = ""
        self.offset = offset
        if self._cut_bytes >= self._limits.kept_nothing_bytes:
            self._shrink()

    def _shrink(self) -> None:
        smaller = self._limits.small_patch_bytes if self._patch_bytes > self._limits.small_patch_bytes else self._patch_bytes // 2
        self._patch_bytes = max(smaller, self._limits.least_patch_bytes)
        self._cut_bytes = 0
        self.buffering = True

    def _next_patch(self) -> Patch:
        return Patch(self._url, self.offset, min(self._patch_bytes, self._offer.size - self.offset), self._checksum)

    def _patch(self) -> Action:
        if self.offset == self._offer.size:
            return Head(self._url)
        if self._broken and self.offset:
            self.resumes += 1
        self._broken = False
        return self._next_patch()

    def _confirm(self, digest: str | None) -> Action:
        if digest == self._offer.sha256:
            return Done(self._url)
        if digest is not None:
            self._corrupt += 1
            self.trouble = f"the server stored other bytes: SHA-256 {digest}, ours is {self._offer.sha256}"
            return Rehash(Create())
        self._unconfirmed += 1
        if self._unconfirmed >= self._limits.confirm_tries:
            text = "all bytes were sent, but the server never offered a Repr-Digest (RFC 9530, sha-256) to prove that it stored the same"
            return Failed("unconfirmed", text)
        seconds = min(self._limits.confirm_wait_s * 2.0 ** (self._unconfirmed - 1), self._limits.backoff_max_s)
        return Wait(seconds, Head(self._url), "the server has not hashed the file yet", least_s=seconds / 2)

    def _rehashed(self, action: Rehash, hashed: Hashed) -> Action:
        fault = changed(self._offer, hashed.sha256)
        if fault is not None:
            return fault
        if not isinstance(action.then, Create):
            return action.then
        if self._corrupt >= self._limits.corrupt_tries:
            return Failed("corrupted", f"the server stored other bytes {self._corrupt} times")
        return self._anew(self.trouble)

    def _anew(self, why: str) -> Action:
        """The first time at once; a server that loses upload after upload is asked ever more slowly."""
        self._url, self.offset, self._cut_bytes, self._broken = "", 0, 0, False
        self.trouble = why
        if self._creations == 0:
            return Create()
        self._failures += 1
        return self._waiting(Create(), why)

    def _back_off(self, action: Request, why: str, sent_bytes: int, least_s: float = 0.0) -> Action:
        self._failures += 1
        self.trouble = why
        if isinstance(action, Patch):
            self._cut_bytes += sent_bytes
            self._broken = True
        return self._waiting(Head(self._url) if isinstance(action, (Patch, Head)) else action, why, least_s)

    def _waiting(self, then: Options | Create | Head, why: str, least_s: float = 0.0) -> Wait:
        return back_off(self._limits, self._failures, then, why, least_s)
