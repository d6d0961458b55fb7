"""A file by plain HTTP PUT, as a pure state machine like tus.py: to <url>/<node>/<job>/<name>, each time whole.

What the machine guarantees:

1. A file that already lies there with our bytes is not sent again.
2. Where the server can MOVE (WebDAV class 1), the bytes go to a temporary name beside it, are proved there, and only then get their name.
   Other servers get the name at once. What lay there before this job, with other bytes, is never overwritten: the job fails.
3. `Done` only when the server's copy is proved equal: size and a SHA-256 that the server tells (Repr-Digest, x-amz-checksum-sha256), or
   the hash of all bytes read back with GET. An ETag proves nothing: it is the MD5 only of some objects of some servers.
4. With `objects` (S3 and what speaks like it) there are no folders and no MOVE to ask for: an object is there whole or not at all. The PUT
   carries the hash of its body, which such a server checks and keeps.
5. 401/403/413 and other refusals of the PUT: fail with a code. 5xx, 408, 425, 429 and broken connections: back off, for ever.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

from edge.messages.tus import count_of, sha256_of, words_of
from edge.upload.sigv4 import PAYLOAD
from edge.upload.steps import (
    LATER,
    Action,
    Ask,
    Broken,
    Done,
    Failed,
    Happening,
    Hashed,
    Limits,
    Offer,
    Rehash,
    Remember,
    Remembered,
    Reply,
    Wait,
    Waited,
    back_off,
    changed,
    moved_off,
)

Stage = Literal["look", "probe", "folder", "put", "check", "move", "moved", "unmoved"]
_TRIES = 3
_OBJECT_BYTES = 5 << 30
REFUSALS = {401: "unauthorised", 403: "forbidden", 413: "too_large"}
_DIGESTS = {"Want-Repr-Digest": "sha-256=10", "x-amz-checksum-mode": "ENABLED"}


class PutMachine:
    """One file. Not thread-safe; belongs to the driver's thread. Readable by the driver: as tus.Machine."""

    def __init__(self, offer: Offer, limits: Limits | None = None, remembered_url: str = "", *, objects: bool = False) -> None:
        self._offer = offer
        self._objects = objects
        self._limits = limits or Limits()
        words = [quote(offer.metadata[key], safe="") for key in ("node", "request", "name")]
        base = offer.creation_url.rstrip("/")
        self._base = base + "/"
        folder = f"{base}/{words[0]}/{words[1]}/"
        self._folders = [] if objects else [f"{base}/{words[0]}/", folder]
        self._final = folder + words[2]
        self._part = part_of(self._final, offer.sha256)
        self._stage: Stage = "look"
        self._moves = False
        self._began = remembered_url == self._final
        """Whether bytes under that name may be our own torn ones."""
        self._made = 0
        self._folders_made = 0
        self._unmoved = 0
        self._no_move = Reply(0, {})
        self._failures = 0
        self._corrupt = 0
        self.offset = 0
        self.sent_bytes = 0
        self.attempts = 0
        self.resumes = 0
        self.buffering = False
        self.trouble = ""
        self.action: Action = self._head("look") if remembered_url == self._final else Remember(self._final)

    def on(self, happening: Happening) -> Action:
        """Raises ValueError when the happening does not answer the action under way (a bug of the driver)."""
        action = self.action
        if isinstance(action, Ask) and isinstance(happening, (Reply, Broken)):
            self.action = self._answered(action, happening)
        elif isinstance(action, Remember) and isinstance(happening, Remembered):
            self.action = self._head("look")
        elif isinstance(action, Wait) and isinstance(happening, Waited):
            self.action = action.then
        elif isinstance(action, Rehash) and isinstance(happening, Hashed):
            self.action = self._rehashed(action, happening)
        else:
            raise ValueError(f"{happening} does not answer {action}")
        return self.action

    def _answered(self, action: Ask, answer: Reply | Broken) -> Action:
        self.sent_bytes += answer.sent_bytes
        if isinstance(answer, Broken):
            return self._back_off(answer.why)
        if answer.status in LATER or (answer.status >= 500 and answer.status not in (501, 505)):
            return self._back_off(f"{action.method}: the server said {answer.status}", count_of(answer.headers, "retry-after") or 0)
        if answer.status == 423:
            return self._back_off("the file is locked by another request", self._limits.lock_wait_s)
        if self._stage in ("look", "check", "moved", "unmoved"):
            return self._seen(action, answer)
        if self._stage == "probe":
            allowed = words_of(answer.headers, "allow")
            self._moves = answer.status < 300 and "dav" in answer.headers and (not allowed or "move" in allowed)
            return self._make_folder() if self._moves else self._put()
        if self._stage == "folder":
            return self._foldered(answer)
        return self._stored(answer) if self._stage == "put" else self._moved(answer)

    def _seen(self, action: Ask, answer: Reply) -> Action:
        """Is what lies there ours?"""
        if answer.status >= 300:
            return self._unseen(action, answer)
        size = answer.body_bytes if action.read else count_of(answer.headers, "content-length")
        if size == self._offer.size:
            digest = answer.body_sha256 if action.read else digest_of(answer.headers)
            if digest is None and self._stage != "moved":
                return Ask("GET", action.url, {"Accept-Encoding": "identity"}, read=True)
            if digest in (None, self._offer.sha256):
                return self._proved()
        elif size is None and not action.read:
            return Ask("GET", action.url, {"Accept-Encoding": "identity"}, read=True)
        if self._stage == "look":
            return self._probe() if self._began or self.attempts else self._occupied()
        if self._stage == "unmoved":
            return self._occupied()
        self._corrupt += 1
        self.trouble = f"the server stored other bytes than the {self._offer.size} that were sent"
        return Rehash(self._head("look"))

    def _unseen(self, action: Ask, answer: Reply) -> Action:
        if answer.status == 401:
            return self._refused(answer)
        if self._stage == "look":  # 403 too: S3 says so of a missing object to those who may not list
            return self._probe()
        if self._stage == "unmoved":
            self._unmoved += 1
            return self._refused(self._no_move) if self._unmoved >= _TRIES else self._back_off("the file did not get its name")
        if not action.read and answer.status != 404:
            return Ask("GET", action.url, {"Accept-Encoding": "identity"}, read=True)
        return Failed("unconfirmed", f"all bytes were sent, but the server does not show them: {action.method} {answer.status}")

    def _proved(self) -> Action:
        self.offset = self._offer.size
        if self._stage == "check" and self._moves:
            self._stage = "move"
            return Ask("MOVE", self._part, {"Destination": self._final, "Overwrite": "F"})
        return Done(self._final)

    def _probe(self) -> Action:
        if self._objects:
            return self._put()
        self._stage = "probe"
        return Ask("OPTIONS", self._base)

    def _make_folder(self) -> Action:
        if self._made == len(self._folders):
            self._folders_made += 1
            return self._put()
        self._stage = "folder"
        return Ask("MKCOL", self._folders[self._made])

    def _foldered(self, answer: Reply) -> Action:
        if answer.status < 300 or answer.status == 405:  # 405: it is there (RFC 4918, 9.3.1)
            self._made += 1
            return self._make_folder()
        return self._refused(answer)

    def _put(self) -> Action:
        self._stage = "put"
        self.attempts += 1
        headers = {"Content-Type": "application/octet-stream"}
        if self._objects:
            if self._offer.size > _OBJECT_BYTES:
                return Failed("too_large", f"{self._offer.size} bytes: S3 takes at most {_OBJECT_BYTES} in one PUT; ask for a shorter clip")
            checksum = base64.b64encode(bytes.fromhex(self._offer.sha256)).decode()
            headers |= {PAYLOAD: self._offer.sha256, "x-amz-sdk-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": checksum}
        return Ask("PUT", self._part if self._moves else self._final, headers, body=True)

    def _stored(self, answer: Reply) -> Action:
        if answer.status == 400 and self._objects:  # also: what came has not the hash that was signed
            self._corrupt += 1
            self.trouble = "the server refused the bytes, or the request (400)"
            return Rehash(self._head("look"))
        if answer.status < 300:
            self._failures = 0
            return self._head("check")
        if answer.status in (404, 409, 410) and self._folders_made < _TRIES:
            self._made = 0
            return self._make_folder()
        return self._refused(answer)

    def _moved(self, answer: Reply) -> Action:
        """404 and 412 may be the answer to a MOVE whose first answer was lost: what lies under the name now tells."""
        if answer.status < 300:
            return self._head("moved")
        if answer.status in (404, 409, 412):
            self._no_move = answer
            return self._head("unmoved")
        return self._refused(answer)

    def _occupied(self) -> Failed:
        return Failed("conflict", f"{self._final} exists with other bytes; it is not overwritten")

    def _refused(self, answer: Reply) -> Action:
        return moved_off(answer) or Failed(REFUSALS.get(answer.status, "refused"), f"the server refused with {answer.status}")

    def _head(self, stage: Stage) -> Ask:
        self._stage = stage
        return Ask("HEAD", self._part if stage == "check" and self._moves else self._final, _DIGESTS)

    def _rehashed(self, action: Rehash, hashed: Hashed) -> Action:
        fault = changed(self._offer, hashed.sha256)
        if fault is not None:
            return fault
        if self._corrupt >= self._limits.corrupt_tries:
            return Failed("corrupted", f"{self.trouble}; {self._corrupt} times")
        return self._back_off(self.trouble)

    def _back_off(self, why: str, least_s: float = 0.0) -> Action:
        self._failures += 1
        self.trouble = why
        self.offset = 0
        return back_off(self._limits, self._failures, self._head("look"), why, least_s)


def part_of(final: str, sha256: str) -> str:
    """The temporary name beside it, of this job's bytes alone."""
    return f"{final}.{sha256[:16]}.part"


def digest_of(headers: Mapping[str, str]) -> str | None:
    """SHA-256 in hex as the server tells it, of the whole representation; None when it does not. Names in lower case."""
    told = sha256_of(headers.get("repr-digest", ""))
    if told is not None:
        return told
    try:
        digest = base64.b64decode(headers.get("x-amz-checksum-sha256", ""), validate=True)
    except binascii.Error:
        return None
    return digest.hex() if len(digest) == 32 else None
