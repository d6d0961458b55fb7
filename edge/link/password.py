"""The link's password, which may be changed while the node runs."""

from __future__ import annotations

import logging
from pathlib import Path

from edge.config.secrets import read_first_line
from edge.errors import ConfigError

log = logging.getLogger(__name__)


class PasswordFile:
    """Read at each connection. Raises ConfigError at first for a file that cannot be used; a later one that cannot is told, and the
    password before stays in use. `key`: the configuration key that names the file. One thread."""

    def __init__(self, path: Path, key: str) -> None:
        self.path, self._key = path, key
        self._text = read_first_line(path, key)

    def current(self) -> str:
        try:
            self._text = read_first_line(self.path, self._key)
        except ConfigError as error:
            log.error("%s; the password before stays in use", error)
        return self._text
