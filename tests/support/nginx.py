"""nginx on loopback as a place for PUT: with its own DAV module alone, or with the extension that answers OPTIONS like WebDAV."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from edge.clock import monotonic_s
from tests.support.line_process import LineProcess

_MODULE = Path("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so")
_CONFIG = """
daemon off;
master_process off;
{load}
pid {own}/nginx.pid;
error_log {own}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {own}/bodies;
    client_max_body_size 0;
    proxy_temp_path {own}/proxy;
    fastcgi_temp_path {own}/fastcgi;
    uwsgi_temp_path {own}/uwsgi;
    scgi_temp_path {own}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder};
        dav_methods PUT DELETE MKCOL COPY MOVE;
        {more}
    }}
}}
"""
_CREATES = "create_full_put_path on;"
_EXTENDED = "dav_ext_methods PROPFIND OPTIONS;"


def nginx(folder: Path, port: int = 0, *, extended: bool = False) -> LineProcess:
    """Running when it returns; its first line is the port. extended: WebDAV class 1 (OPTIONS says so), and folders are not made by PUT."""
    binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if binary is None or (extended and not _MODULE.exists()):
        pytest.skip("nginx or its DAV extension is not installed (apt-get install nginx libnginx-mod-http-dav-ext)")
    folder.mkdir(parents=True, exist_ok=True)
    own = folder.parent / f"{folder.name}.nginx"
    own.mkdir(exist_ok=True)
    port = port or _free_port()
    load, more = (f"load_module {_MODULE};", _EXTENDED) if extended else ("", _CREATES)
    user = "user root;" if os.geteuid() == 0 else ""
    config = own / "nginx.conf"
    config.write_text(user + _CONFIG.format(load=load, own=own, port=port, folder=folder, more=more))

    process = LineProcess(["/bin/sh", "-c", f'echo {port}; exec "$0" -c "$1" -e "$2"', binary, str(config), str(own / "error.log")])
    _listening(process, port)
    return process


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _listening(process: LineProcess, port: int) -> None:
    """Until it takes connections; its process ends at once where it cannot."""
    pause = threading.Event()
    until_s = monotonic_s() + 10
    while monotonic_s() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            pause.wait(0.01)
        else:
            return
    process.kill()
    raise RuntimeError("nginx does not listen; see its error.log")
