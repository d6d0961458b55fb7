"""The passage from the agent to its supervisor: small files in a volatile folder that only this user can write.

The agent has no rights over other processes: it leaves a wish, and who started them grants it or not.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from edge.errors import StorageError
from edge.host.sysfs import read_text
from edge.messages.supervision import Supervisor, Wish

log = logging.getLogger(__name__)

_WHO = "supervisor.json"
_WISH = "wish-"
_WISH_MAX_BYTES = 4096


def announce(folder: Path, supervisor: Supervisor) -> None:
    """From now on wishes are looked at; those of earlier are forgotten. Raises StorageError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in folder.glob(f"{_WISH}*"):
            old.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}", number=error.errno or 0) from error
    _put(folder / _WHO, msgspec.json.encode(supervisor))


def withdraw(folder: Path) -> None:
    with suppress(OSError):
        (folder / _WHO).unlink(missing_ok=True)


def supervisor_of(folder: Path, boot: str) -> Supervisor | None:
    """Who would grant a wish now; None where nobody does: it was never there, of another boot, or its process is gone."""
    text = read_text(folder / _WHO)
    if text is None:
        return None
    try:
        found = msgspec.json.decode(text, type=Supervisor)
    except msgspec.DecodeError:
        return None
    return found if found.boot == boot and _alive(found.pid) else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # it is there, and another user's
        return True
    except (OSError, OverflowError):
        return False
    return True


def leave_wish(folder: Path, wish: Wish) -> None:
    """Raises StorageError."""
    _put(folder / f"{_WISH}{wish.id}", msgspec.json.encode(wish))


def take_wishes(folder: Path) -> list[Wish]:
    """Each once. What does not read is thrown away."""
    found = []
    for path in sorted(folder.glob(f"{_WISH}*")):
        try:
            with path.open("rb") as file:
                data = file.read(_WISH_MAX_BYTES)
            path.unlink()
            found.append(msgspec.json.decode(data, type=Wish))
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("%s: a wish that does not read: %s", path, error)
    return found


def _put(path: Path, data: bytes) -> None:
    """Readers see it whole. On a memory file system: no sync."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}", number=error.errno or 0) from error
