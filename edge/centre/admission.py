"""Who may upload what: one token for all nodes, or a token of its own for each, so that a stolen one writes under one node's name alone.

The file of tokens holds a line for each node: its id, a blank, the SHA-256 (hex) of its token. The token itself is nowhere at the centre.
The file is read again when it changes: a node is let in, or shut out, without a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from pathlib import Path

from edge.config.secrets import read_secret
from edge.errors import ConfigError

_LOG = logging.getLogger(__name__)
_LINE = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._+-]{0,127})\s+([0-9a-f]{64})")
_KEY = "--tokens-file"


class Admission:
    """token "" and no file: everybody may do everything (loopback, or a proxy in front that asks). One thread at a time."""

    def __init__(self, token: str = "", tokens_file: Path | None = None) -> None:
        """Raises ConfigError for a file that cannot be read or holds anything else."""
        self._token = token
        self._file = tokens_file
        self._nodes: Mapping[str, str] = {}
        self._read_at: tuple[int, int, int] | None = None
        if tokens_file is not None:
            self._nodes, self._read_at = read_tokens(tokens_file), _state(tokens_file)

    def caller(self, authorization: str) -> str | None:
        """The node whose token the header carries; "" for one that may speak for every node; None for nobody we know."""
        if not self._token and self._file is None:
            return ""
        if self._token and hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode()):
            return ""
        self._look_again()
        scheme, _, token = authorization.partition(" ")
        return self._nodes.get(hashlib.sha256(token.encode()).hexdigest()) if scheme.lower() == "bearer" else None

    def _look_again(self) -> None:
        """A file that was just spoilt changes nothing."""
        if self._file is None or (now := _state(self._file)) == self._read_at:
            return
        self._read_at = now
        try:
            self._nodes = read_tokens(self._file)
        except ConfigError as error:
            _LOG.error("the tokens stay as they were: %s", error)
        else:
            _LOG.info("%s: tokens of %d nodes", self._file, len(self._nodes))


def read_tokens(path: Path) -> dict[str, str]:
    """SHA-256 of a token -> node. Raises ConfigError."""
    found: dict[str, str] = {}
    for number, line in enumerate(read_secret(path, _KEY).splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        words = _LINE.fullmatch(text)
        if words is None:
            raise ConfigError(f"{_KEY}: {path}: line {number} is not a node's id and the SHA-256 of its token in hex")
        if words[2] in found:
            raise ConfigError(f"{_KEY}: {path}: line {number}: {words[1]} and {found[words[2]]} have the same token")
        found[words[2]] = words[1]
    return found


def _state(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
