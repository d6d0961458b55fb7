"""WsgiDAV as a process on loopback: a WebDAV server that is not ours."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.support.line_process import LineProcess

_PROGRAM = """
import os, socket, sys
from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp
folder, port = sys.argv[1], int(sys.argv[2])
app = WsgiDAVApp({
    "provider_mapping": {"/": folder}, "simple_dc": {"user_mapping": {"*": True}}, "verbose": 0, "logging": {"enable": False},
})
server = wsgi.Server(("127.0.0.1", port), app)
own = socket.create_server(("127.0.0.1", port))  # its own bind leaves the port closed for a minute when it is killed
os.dup2(own.fileno(), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
server.prepare()
print(own.getsockname()[1], flush=True)
server.serve()
"""


def webdav(folder: Path, port: int = 0) -> LineProcess:
    """Running when it returns; its first line is the port."""
    if importlib.util.find_spec("wsgidav") is None or importlib.util.find_spec("cheroot") is None:
        pytest.skip("wsgidav and cheroot are not installed (pip install wsgidav cheroot)")
    folder.mkdir(parents=True, exist_ok=True)
    return LineProcess([sys.executable, "-c", _PROGRAM, str(folder), str(port)])
