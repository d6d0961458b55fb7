"""A node that serves its footage: the process `edge serve` on loopback, with an authority of its own, and clients with certificates."""

from __future__ import annotations

import http.client
import json
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from edge.host.linux_disk import LinuxDisk
from edge.journal.reader import JournalReader
from edge.messages.evidence import Exported, Viewed
from edge.messages.records import facts_of
from tests.support.certificates import Authority
from tests.support.command import environment
from tests.support.line_process import LineProcess
from tests.support.ondisk import CAMERA, OnDisk, at, make_node

OPERATOR = "a.nowak"
CASE = "RSOW 7/26"
DEADLINE_S = 30.0


@dataclass
class PullNode:
    """`process` is replaced by `restart`. issued: names that have a certificate."""

    node: OnDisk
    authority: Authority
    process: LineProcess
    issued: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return self.process.first_line

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def restart(self) -> None:
        """After a kill."""
        self.process.kill()
        self.process = start(self.node.config)

    def context(self, name: str = OPERATOR) -> ssl.SSLContext:
        """Of a client with a certificate for `name`; "": without one."""
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        if name:
            context.load_cert_chain(*self.certificate(name))
        return context

    def certificate(self, name: str) -> tuple[Path, Path]:
        if name not in self.issued:
            self.authority.issue(name)
            self.issued.add(name)
        return self.authority.folder / f"{name}.pem", self.authority.folder / f"{name}.key"

    @contextmanager
    def connected(self, name: str = OPERATOR) -> Iterator[http.client.HTTPSConnection]:
        with closing(http.client.HTTPSConnection("127.0.0.1", self.port, timeout=DEADLINE_S, context=self.context(name))) as connection:
            yield connection

    def ask(self, path: str, name: str = OPERATOR, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        with self.connected(name) as connection:
            connection.request(method, path, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def records(self) -> list[Viewed | Exported]:
        """Of the journal "local"."""
        lines = JournalReader(LinuxDisk(), self.node.data / "journal" / "local").read(durable=False)
        return [facts_of(each.record, Viewed) if each.record.type == "view" else facts_of(each.record, Exported) for each in lines]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> tuple[int, str]:
        """Of a refusal, which always says what to do."""
        document = self.document
        assert set(document) == {"code", "text", "remedy"}
        assert b"Traceback" not in self.body
        return self.status, document["code"]

    @property
    def etag(self) -> str:
        return str(self.headers["ETag"])


def clip_path(first_s: float, last_s: float, *, case: str = CASE, camera: str = CAMERA, **more: str) -> str:
    """Seconds after the node's first picture."""
    words = {"start": at(first_s), "end": at(last_s), **({"case": case} if case else {}), **more}
    return f"/v1/cameras/{quote(camera, safe='')}/clip?{urlencode(words)}"


@contextmanager
def pull_node(folder: Path, more: str = "", *, padding: int = 0, authority: Authority | None = None) -> Iterator[PullNode]:
    """more: further lines of [serve]. padding: see `make_node`."""
    authority = authority or Authority(folder / "authority")
    certificate, key = authority.issue("pole-1", "127.0.0.1")
    serve = f'[serve]\nhost = "127.0.0.1"\nport = 0\ncertificate = "{certificate}"\nkey = "{key}"\nca = "{authority.ca}"\n{more}\n'
    node = make_node(folder, serve, padding=padding)
    pull = PullNode(node, authority, start(node.config))
    try:
        yield pull
    finally:
        pull.process.stop()


def start(config: Path) -> LineProcess:
    return LineProcess([sys.executable, "-m", "edge", "serve", "--config", str(config)], environment())
