"""Single requests of the tus protocol to our receiver, for tests that look at each answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from edge.centre.serve import ReceiverServer
from edge.clock import monotonic_s
from edge.host.origin import on_our_origin
from edge.messages.tus import encode_metadata
from edge.upload.http import Http, Target
from edge.upload.steps import Reply

DATA = b"0123456789"
SHA256 = hashlib.sha256(DATA).hexdigest()
METADATA = {"node": "pole-7", "request": "r-1", "name": "cam.mp4", "sha256": SHA256}
VERSION = {"Tus-Resumable": "1.0.0"}


class Client:
    """Requests as a sender makes them."""

    def __init__(self, server: ReceiverServer, token: str = "secret") -> None:
        self.http = Http(Target(server.url, token))
        self.url = server.url

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        answer = self.http.request(method, url, headers, None if body is None else (lambda: iter([body])), len(body or b""))
        assert isinstance(answer, Reply), answer
        return answer

    def create(self, size: int = len(DATA), metadata: Mapping[str, str] = METADATA) -> str:
        made = self.ask("POST", self.url, {**VERSION, "Upload-Length": str(size), "Upload-Metadata": encode_metadata(metadata)})
        assert made.status == 201
        url = on_our_origin(self.url, made.headers["location"])
        assert url is not None
        return url

    def created(self, metadata: Mapping[str, str]) -> int:
        """How that is answered."""
        return self.ask("POST", self.url, {**VERSION, "Upload-Length": str(len(DATA)), "Upload-Metadata": encode_metadata(metadata)}).status

    def patch(self, url: str, offset: int, body: bytes, **more: str) -> Reply:
        headers = {**VERSION, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        return self.ask("PATCH", url, headers | {name.replace("_", "-"): value for name, value in more.items()}, body)

    def head(self, url: str) -> Reply:
        return self.ask("HEAD", url, VERSION)

    def digest(self, url: str) -> str:
        """Waits for it."""
        until_s = monotonic_s() + 10
        while monotonic_s() < until_s:
            if digest := self.head(url).headers.get("repr-digest"):
                return digest
        raise AssertionError("no digest came")
