"""Commands that the ledger has forgotten: when they expired. None of them may pass again, whatever happens to the clock.

Of a forgotten command nothing is left but this: its `exp` lies in one of a few stretches of time. A command whose `exp` lies in one is
refused (too_old), since it could be one of the forgotten. What names this boot can only be one of those forgotten in this boot.

Stretches, and not the latest `exp` alone: a clock that once ran years ahead, with commands to fit, must not shut out every command until
then. Forgotten is only what expired a day before, so that while the clock is right no stretch reaches the present.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from edge.errors import NotFound, StorageError
from edge.host.disk import Disk

log = logging.getLogger(__name__)

JOIN_S = 86_400
"""What is at most so far apart is one stretch."""
STRETCHES_MAX = 64
"""Above that the closest are joined, but for those between which it is now."""

Stretch = tuple[int, int]
"""First and last `exp`, both in it. Seconds since 1970."""
EVER: Stretch = (-(1 << 62), 1 << 62)


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    """here: forgotten in `boot`. before: in boots before it."""

    boot: str
    here: list[Stretch] = []
    before: list[Stretch] = []


class Forgotten:
    """One thread. A file that cannot be read stands for everything: only commands that name the boot pass from the next one on (those of
    this boot may be among what cannot be read)."""

    def __init__(self, disk: Disk, path: Path, boot: str) -> None:
        self._disk, self._path, self._boot = disk, path, boot
        self._known = self._read()

    def may_hold(self, exp: int, boot: str) -> bool:
        """Whether a command with this `exp`, naming this boot, could be among them."""
        return _within(self._known.here, exp) or (boot != self._boot and _within(self._known.before, exp))

    def add(self, exps: Iterable[int], now_s: int) -> None:
        """Durable when it returns: what expired then may be forgotten. Raises StorageError."""
        here = joined([*self._known.here, *((exp, exp) for exp in exps)], now_s)
        known = _Stored(boot=self._boot, here=here, before=joined(self._known.before, now_s))
        self._disk.replace(self._path, msgspec.json.encode(known))
        self._known = known

    def _read(self) -> _Stored:
        try:
            stored = msgspec.json.decode(self._disk.read(self._path), type=_Stored)
        except NotFound:
            return _Stored(boot=self._boot)
        except (StorageError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("%s cannot be read: from the next boot on, commands that name it are taken, and no others: %s", self._path, error)
            return self._everything()
        if stored.boot == self._boot:
            return stored
        return _Stored(boot=self._boot, before=[*stored.before, *stored.here])

    def _everything(self) -> _Stored:
        """Written at once, so that the next boot knows that it is another."""
        known = _Stored(boot=self._boot, here=[EVER], before=[EVER])
        try:
            self._disk.replace(self._path, msgspec.json.encode(known))
        except StorageError as error:
            log.error("%s cannot be made anew: %s", self._path, error)
        return known


def joined(stretches: Sequence[Stretch], now_s: int) -> list[Stretch]:
    """In order of time and apart from each other, at most STRETCHES_MAX."""
    found: list[Stretch] = []
    for first, last in sorted(stretches):
        if found and first - found[-1][1] <= JOIN_S:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    while len(found) > STRETCHES_MAX:
        apart = {place: found[place + 1][0] - found[place][1] for place in range(len(found) - 1)}
        apart = {place: s for place, s in apart.items() if not found[place][1] < now_s < found[place + 1][0]}
        closest = min(apart, key=lambda place: apart[place])
        found[closest : closest + 2] = [(found[closest][0], found[closest + 1][1])]
    return found


def _within(stretches: Iterable[Stretch], exp: int) -> bool:
    return any(first <= exp <= last for first, last in stretches)
