"""Files that hold secrets: they must exist and be their owner's alone (no rights for group and others, e.g. mode 0600)."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge.config.model import NodeConfig
from edge.config.paths import path_keys
from edge.config.problems import Problem
from edge.errors import ConfigError

SECRET_MAX_BYTES = 64 * 1024


def secret_fault(path: Path) -> str | None:
    """What is wrong with a secret file, in words; None when it may be used."""
    try:
        found = path.stat()
    except OSError as error:
        return f"{path}: {error.strerror}"
    if not stat.S_ISREG(found.st_mode):
        return f"{path}: is not a plain file"
    if found.st_mode & 0o077:
        return f"{path}: mode {stat.S_IMODE(found.st_mode):04o} gives others rights on it: run chmod 600"
    return None


def read_secret(path: Path, key: str) -> str:
    """The text of a secret file, at most 64 KiB. `key`: the configuration key that names it. Raises ConfigError."""
    fault = secret_fault(path)
    if fault:
        raise ConfigError(f"{key}: {fault}")
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(SECRET_MAX_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: {path}: cannot be read: {error}") from error


def read_first_line(path: Path, key: str) -> str:
    """A password or token: the first line of a secret file. Raises ConfigError, also when it is empty."""
    line = next(iter(read_secret(path, key).splitlines()), "").strip()
    if not line:
        raise ConfigError(f"{key}: {path}: its first line is empty")
    return line


def read_credentials(path: Path, key: str) -> tuple[str, str]:
    """(user, password) of a camera: the lines user=... and password=... Raises ConfigError."""
    found = {}
    for line in read_secret(path, key).splitlines():
        name, equals, value = line.partition("=")
        if equals:
            found[name.strip()] = value.strip()
    if not found.get("user") or "password" not in found:
        raise ConfigError(f"{key}: {path}: needs the lines user=... and password=...")
    return found["user"], found["password"]


def check_files(config: NodeConfig) -> list[Problem]:
    """Secret files that may not be used and other named files (certificates, keys, replayed footage) that are not there."""
    problems = []
    for section, struct in _sections(config):
        for key in path_keys(struct, "secret"):
            fault = secret_fault(Path(getattr(struct, key)))
            if fault:
                problems.append(Problem(f"{section}.{key}", fault))
        problems += [_absent(section, key, getattr(struct, key)) for key in path_keys(struct, "file") if _is_absent(struct, key)]
    for number, camera in enumerate(config.camera):
        if camera.source.startswith("file:") and not Path(camera.source[5:]).exists():
            problems.append(_absent(f"camera[{number}]", "source", camera.source[5:]))
    return problems


def _is_absent(struct: msgspec.Struct, key: str) -> bool:
    return not Path(getattr(struct, key)).is_file()


def _absent(section: str, key: str, path: str) -> Problem:
    return Problem(f"{section}.{key}", f"{path}: there is no such file")


def _sections(config: NodeConfig) -> Iterator[tuple[str, msgspec.Struct]]:
    yield from ((f"camera[{number}]", camera) for number, camera in enumerate(config.camera))
    tables = ("seal", "mqtt", "upload", "command", "serve")
    named = ((name, getattr(config, name)) for name in tables)
    yield from ((name, part) for name, part in named if part is not None)
