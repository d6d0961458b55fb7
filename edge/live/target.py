"""Where a live picture goes: always the configuration's address, never a command's."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from edge.config.on_request import Live
from edge.config.secrets import read_first_line

TOKEN_KEY = "live.token_file"


@dataclass(frozen=True, slots=True)
class Target:
    """url: without secrets, it may be shown. ca: path, "" for the system's authorities."""

    url: str
    secret: str = field(default="", repr=False)
    ca: str = ""


def target_of(live: Live, node: str, camera: str) -> Target:
    """Reads the secret anew each time: a changed one counts from the next session on. Raises ConfigError."""
    url = live.url.replace("{node}", quote(node, safe="")).replace("{camera}", quote(camera, safe=""))
    secret = read_first_line(Path(live.token_file), TOKEN_KEY) if live.token_file else ""
    return Target(url, secret, live.ca)
