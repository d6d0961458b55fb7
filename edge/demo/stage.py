"""What stands on the stage: a broker process, the node's configuration and the node itself (`edge run`), all below one folder."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from edge.clock import monotonic_s
from edge.config.model import Seal
from edge.errors import UsageError

ORG = "demo"
NODE = "pole-1"
READY_S = 10.0


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers. Raises UsageError when it ended or never does."""
    deadline_s = monotonic_s() + READY_S
    while process.poll() is None and monotonic_s() < deadline_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise UsageError(f"the broker did not start on port {port} (exit {process.poll()})", remedy="see broker.log in the demo folder")


def start_broker(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Mosquitto on loopback with persistence, logging to broker.log. Returns the process and its port."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise UsageError("mosquitto is not installed", remedy="run `make demo`, which installs it, or `apt-get install mosquitto`")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
        f"max_queued_messages 100000\nlog_dest file {folder}/broker.log\n" + ("user root\n" if os.geteuid() == 0 else ""),
        encoding="utf-8",
    )
    process = subprocess.Popen([program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_port(port, process)
    return process, port


@dataclass(frozen=True)
class NodePlan:
    """Where the node finds its links: ports on loopback, through the uplink."""

    folder: Path
    sources: list[str]
    film: str
    """The source among them that shows a running number at its top, which is no motion; empty: none."""
    broker_port: int
    receiver_port: int
    command_key: Path
    token: str
    seal: Seal


def new_token() -> str:
    return secrets.token_urlsafe(24)


def write_node(plan: NodePlan) -> Path:
    """node.toml and its token file. Returns the path of node.toml."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    token_file = plan.folder / "upload-token"
    token_file.touch(mode=0o600)
    token_file.write_text(plan.token + "\n", encoding="utf-8")
    cameras = "".join(
        _camera(f"cam{number}", source) + (_NUMBER_ZONE if source == plan.film else "") for number, source in enumerate(plan.sources)
    )
    path = plan.folder / "node.toml"
    path.write_text(
        f"""[node]
id = "{NODE}"
data = {json.dumps(str(plan.folder / "data"))}
run = {json.dumps(str(plan.folder / "run"))}
place = "demonstration desk"
{cameras}
[ring]
segment_s = 10.0

[clock]
trust = "assume"

[seal]
key = {json.dumps(plan.seal.key)}
certificate = {json.dumps(plan.seal.certificate)}
checkpoint_s = 10.0

[mqtt]
host = "127.0.0.1"
port = {plan.broker_port}
org = "{ORG}"
tls = false
backoff_max_s = 2.0
command_key = {json.dumps(str(plan.command_key))}

[upload]
url = "http://127.0.0.1:{plan.receiver_port}/files"
token_file = {json.dumps(str(token_file))}
patch_bytes = 1048576
progress_timeout_s = 5.0
backoff_max_s = 1.0

[health]
interval_s = 2.0
""",
        encoding="utf-8",
    )
    return path


_NUMBER_ZONE = """
[[camera.zone]]
name = "running-number"
polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.08], [0.0, 0.08]]
kind = "exclude"
"""


def _camera(camera_id: str, source: str) -> str:
    return f"""
[[camera]]
id = "{camera_id}"
source = {json.dumps(source)}
width = 960
height = 540
bitrate_kbps = 2500
"""


def start_node(config: Path, log_file: Path) -> subprocess.Popen[bytes]:
    """`edge run` in a session of its own, so that a Ctrl-C in the terminal reaches only the demo, which stops it in order."""
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "edge", "run", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """SIGTERM, and SIGKILL when that is not enough."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
