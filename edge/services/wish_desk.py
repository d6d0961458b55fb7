"""The supervisor's desk: which wishes for a restart are granted, whatever the agent (or who stole its key) asks for.

Never twice within RESTART_GAP_S for one unit, never more than RESTARTS_PER_HOUR in all: no stream of commands keeps a recorder down.
"""

from __future__ import annotations

import logging
import os
import subprocess
from collections import deque
from collections.abc import Collection
from pathlib import Path

from edge.errors import StorageError
from edge.host.supervision import announce, take_wishes, withdraw
from edge.messages.supervision import Supervisor, Wish

log = logging.getLogger(__name__)

RESTART_GAP_S = 60.0
RESTARTS_PER_HOUR = 6
NODE = "node"
_HOUR_S = 3600.0


class WishDesk:
    """The supervisor's main thread. reboot: the program that reboots the machine, "" where there is none."""

    def __init__(self, folder: Path, boot: str, units: Collection[str], reboot: str = "") -> None:
        self._folder, self._boot, self._reboot = folder, boot, reboot
        self._units = list(units)
        self._last_s: dict[str, float] = {}
        self._granted_s: deque[float] = deque()

    def open(self) -> None:
        """A folder that cannot be written costs restarts from afar, nothing else."""
        serves = [*self._units, *([NODE] if self._reboot else [])]
        try:
            announce(self._folder, Supervisor(pid=os.getpid(), boot=self._boot, serves=serves))
        except StorageError as error:
            log.warning("nothing can be restarted from afar: %s", error)

    def close(self) -> None:
        withdraw(self._folder)

    def look(self, now_s: float) -> list[str]:
        """Units to be started anew now."""
        granted = [wish.unit for wish in take_wishes(self._folder) if self._grants(wish, now_s)]
        if NODE in granted:
            self._start_reboot()
        return [unit for unit in granted if unit != NODE]

    def _grants(self, wish: Wish, now_s: float) -> bool:
        while self._granted_s and now_s - self._granted_s[0] >= _HOUR_S:
            self._granted_s.popleft()
        why = self._refusal(wish.unit, now_s)
        if why:
            log.warning("%s is not restarted (command %s): %s", wish.unit, wish.id, why)
            return False
        log.info("%s is restarted as command %s asks", wish.unit, wish.id)
        self._last_s[wish.unit] = now_s
        self._granted_s.append(now_s)
        return True

    def _refusal(self, unit: str, now_s: float) -> str:
        if unit not in self._units and not (unit == NODE and self._reboot):
            return "there is no such unit here"
        if unit in self._last_s and now_s - self._last_s[unit] < RESTART_GAP_S:
            return f"it was, {now_s - self._last_s[unit]:.0f} s ago"
        return f"{RESTARTS_PER_HOUR} restarts within an hour" if len(self._granted_s) >= RESTARTS_PER_HOUR else ""

    def _start_reboot(self) -> None:
        try:
            subprocess.Popen([self._reboot], stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            log.error("%s: cannot be started: %s", self._reboot, error)
