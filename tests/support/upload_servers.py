"""Upload servers as processes on loopback, ours and such as are not: what each is called, how it is started, where its files lie."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from edge.upload.sigv4 import Signer
from tests.support.line_process import LineProcess
from tests.support.nginx import nginx
from tests.support.receiver_process import receiver_process
from tests.support.s3 import BUCKET, s3, town_signer
from tests.support.tus_node import tus_node
from tests.support.webdav import webdav

_TUSPY = """
import sys, socket, hashlib, pathlib, uvicorn, functools, base64
from fastapi import FastAPI
import tuspyserver.request as request
from tuspyserver import create_tus_router
folder, port = sys.argv[1], int(sys.argv[2])
request.acquire_upload_lock = functools.partial(request.acquire_upload_lock, timeout=0.3)  # else 30 s with its event loop stopped
app = FastAPI()
app.include_router(create_tus_router(prefix="files", files_dir=folder))

@app.middleware("http")
async def digest(request, call_next):
    response = await call_next(request)
    path = pathlib.Path(folder) / request.url.path.rpartition("/")[2]
    if request.method == "HEAD" and response.headers.get("upload-offset") == response.headers.get("upload-length", "x"):
        sha256 = base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
        response.headers["Repr-Digest"] = f"sha-256=:{sha256}:"
    return response

sock = socket.create_server(("127.0.0.1", port))
print(sock.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[sock])
"""


def tuspyserver(folder: Path, port: int = 0) -> LineProcess:
    """Running when it returns; its first line is the port. HEAD of a whole file carries Repr-Digest (put in front of the server)."""
    if importlib.util.find_spec("tuspyserver") is None:
        pytest.skip("tuspyserver is not installed (pip install tuspyserver)")
    folder.mkdir(parents=True, exist_ok=True)
    return LineProcess([sys.executable, "-c", _TUSPY, str(folder), str(port)])


_STARTS: dict[str, Callable[[Path, int], LineProcess]] = {
    "edge": lambda folder, port: receiver_process(folder, port, idle_s=1.0),
    "tus-node": tus_node,
    "tuspyserver": tuspyserver,
    "wsgidav": webdav,
    "nginx": nginx,
    "s3": s3,
    "nginx-dav": lambda folder, port: nginx(folder, port, extended=True),
}
TUS = ("edge", "tus-node", "tuspyserver")
PUT = ("wsgidav", "nginx", "nginx-dav", "s3")
KINDS = TUS + PUT
MOVING = ("wsgidav", "nginx-dav")
"""Give a file its name only when it is whole, by MOVE."""


@dataclass
class Server:
    """A running receiver that can be killed and started again on its port."""

    kind: str
    folder: Path
    process: LineProcess

    @staticmethod
    def start(kind: str, folder: Path) -> Server:
        return Server(kind, folder, _STARTS[kind](folder, 0))

    @property
    def port(self) -> int:
        return int(self.process.first_line)

    @property
    def method(self) -> Literal["tus", "put", "s3"]:
        return "s3" if self.kind == "s3" else "tus" if self.kind in TUS else "put"

    @property
    def signer(self) -> Signer | None:
        return town_signer() if self.kind == "s3" else None

    @property
    def path(self) -> str:
        return f"/{BUCKET}" if self.kind == "s3" else "/files" if self.kind in TUS else "/"

    @property
    def url(self) -> str:
        return self.through(self.port)

    def through(self, port: int) -> str:
        """Its address behind something that listens on that port."""
        return f"http://127.0.0.1:{port}{self.path}"

    def restart(self) -> None:
        port = self.port
        self.process.kill()
        self.process = _STARTS[self.kind](self.folder, port)

    def stored(self, url: str, name: str, request: str = "r-1") -> bytes:
        """What the receiver has of a whole upload."""
        if self.kind == "s3":
            return self._look(f"pole-7/{request}/{name}")
        place = self.folder / url.rpartition("/")[2] if self.kind in ("tus-node", "tuspyserver") else self.job(request) / name
        return place.read_bytes()

    def job(self, request: str) -> Path:
        return self.folder / "pole-7" / request

    def names(self, request: str) -> list[str]:
        """Of what lies there of a job."""
        if self.kind == "s3":
            listed = self._look(f"?list-type=2&prefix=pole-7/{request}/").decode()
            return [key.rpartition("/")[2] for key in re.findall("<Key>([^<]+)</Key>", listed)]
        return [each.name for each in self.job(request).glob("*")]

    def place(self, request: str, name: str, data: bytes) -> None:
        """By somebody else."""
        if self.kind == "s3":
            self._look(f"pole-7/{request}/{name}", data)
        else:
            self.job(request).mkdir(parents=True)
            (self.job(request) / name).write_bytes(data)

    def _look(self, path: str, data: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/octet-stream"}
        url = f"http://127.0.0.1:{self.port}/look/{BUCKET}/{path}"
        asked = urllib.request.Request(url, data, headers, method="GET" if data is None else "PUT")
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return bytes(answer.read())

    def forget_all(self) -> None:
        """Every upload that is under way is gone, as when it expired."""
        for entry in [*self.folder.glob(".uploads/*"), *(each for each in self.folder.glob("*") if each.is_file())]:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
