"""TOML text -> tables, with every way it can fail turned into a Problem."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edge.config.problems import ConfigProblems, Problem

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_MAX_BYTES = 1 << 20


def read_bytes(path: Path) -> bytes:
    """The file's bytes. Raises ConfigProblems when it cannot be read or is larger than 1 MiB."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigProblems(str(path), [Problem("", "there is no such file")]) from None
    except (OSError, ValueError) as error:
        raise ConfigProblems(str(path), [Problem("", f"cannot be read: {error}")]) from error
    if len(data) > FILE_MAX_BYTES:
        raise ConfigProblems(str(path), [Problem("", f"is larger than {FILE_MAX_BYTES} bytes")])
    return data


def parse(data: bytes, name: str) -> dict[str, Any]:
    """`name`: the file's name for messages. Raises ConfigProblems with line and column where the text is not TOML."""
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigProblems(name, [Problem("", f"is not UTF-8 text (line {line})")]) from error
    except ValueError as error:  # TOMLDecodeError is one; so is a number with too many digits
        raise ConfigProblems(name, [Problem("", f"is not valid TOML: {error}")]) from error
    except RecursionError:
        raise ConfigProblems(name, [Problem("", "is nested too deeply")]) from None
