"""The node below one process: recorders, watcher and agent as children of `edge run`, as systemd would start them on a pole.

A child that fails is started again with a growing pause; one that ends with 78 (configuration) or 0 (its work is done) is not. The order
of the end: first those that only look on, last the recorders; each rank has a deadline, then SIGKILL.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Protocol

from edge.clock import monotonic_s
from edge.config.model import NodeConfig
from edge.errors import ConfigError
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.ring.layout import folders_of
from edge.services.config_guard import ConfigGuard
from edge.services.wish_desk import WishDesk

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Child:
    """argv: the whole command line. rank: children of the lowest rank are stopped first. unit: its name in commands, "recorder:cam0"."""

    name: str
    argv: tuple[str, ...]
    rank: int
    unit: str = ""


class Desk(Protocol):
    """Who may ask for restarts. look: units to be started anew now; called at each poll."""

    def look(self, now_s: float) -> Collection[str]: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Pauses before a restart double from `first_s` to `longest_s`; a child that ran `stable_s` starts over at `first_s`."""

    first_s: float = 1.0
    longest_s: float = 30.0
    stable_s: float = 60.0
    poll_s: float = 0.1
    stop_s: float = 15.0

    def pause_s(self, failures: int) -> float:
        return float(min(self.longest_s, self.first_s * 2 ** min(failures, 30)))


def children_of(config: NodeConfig, config_path: Path) -> list[Child]:
    """Recorders first: they start first and stop last."""

    def child(name: str, rank: int, *words: str) -> Child:
        return Child(name, (sys.executable, "-m", "edge", *words, "--config", str(config_path)), rank, name.replace(" ", ":"))

    children = [child(f"recorder {camera.id}", 1, "record", "--camera", camera.id) for camera in config.camera]
    if any(camera.motion for camera in config.camera):
        children.append(child("watcher", 0, "watch"))
    if config.mqtt is not None:
        children.append(child("agent", 0, "agent"))
    if config.serve is not None:
        children.append(child("pull", 0, "serve"))
    return children


def run_node(config: NodeConfig, config_path: Path, stop: Event) -> int:
    """Until `stop`, or until every child ended for good. Main thread only: the kernel ties the children's lives to the thread that starts
    them. Returns 0, 78 when a child refused its configuration, 1 when a child had to be killed."""
    children = children_of(config, config_path)
    desk = WishDesk(folders_of(config).supervisor, boot_id(), [child.unit for child in children], config.command.reboot)
    guard = ConfigGuard(LinuxDisk(), config_path.absolute(), boot_id())
    guard.start()
    desk.open()
    try:
        return supervise(children, stop, desks=[guard, desk])
    finally:
        desk.close()


def supervise(children: Sequence[Child], stop: Event, pace: Pace | None = None, desks: Sequence[Desk] = ()) -> int:
    """See `run_node`."""
    pace = pace or Pace()
    kept = [_Kept(child, pace) for child in children]
    while not stop.is_set() and not all(one.finished for one in kept):
        now_s = monotonic_s()
        wanted = {unit for desk in desks for unit in desk.look(now_s)}
        for one in kept:
            if one.child.unit in wanted:
                one.anew(now_s)
        for one in kept:
            one.look(now_s)
        stop.wait(pace.poll_s)
    orderly = [_stop_rank([one for one in kept if one.child.rank == rank], pace) for rank in sorted({child.rank for child in children})]
    if not all(orderly):
        return 1
    return ConfigError.exit_code if any(one.status == ConfigError.exit_code for one in kept) else 0


class _Kept:
    """One child, kept alive."""

    def __init__(self, child: Child, pace: Pace) -> None:
        self.child = child
        self.process: subprocess.Popen[bytes] | None = None
        self.finished = False
        self.status: int | None = None
        self._pace = pace
        self._failures = 0
        self._start_at_s = monotonic_s()
        self._started_s = 0.0
        self._kill_at_s: float | None = None
        """Set while it is being ended in order to be started anew."""

    def anew(self, now_s: float) -> None:
        """End it in order, by SIGKILL when that takes too long, and start it at once. One that had ended for good runs again."""
        self.finished = False
        self._start_at_s = now_s
        if self.process is not None and self._kill_at_s is None:
            self._kill_at_s = now_s + self._pace.stop_s
            self.process.send_signal(signal.SIGTERM)

    def look(self, now_s: float) -> None:
        """Start it when its time has come; notice when it ended."""
        if self.finished:
            return
        if self.process is None:
            if now_s >= self._start_at_s:
                self._start(now_s)
            return
        self.status = self.process.poll()
        if self.status is not None:
            self.process = None
            self._ended(self.status, now_s)
        elif self._kill_at_s is not None and now_s >= self._kill_at_s:
            log.error("%s: did not stop within %.0f s: killed", self.child.name, self._pace.stop_s)
            self._kill_at_s = now_s + self._pace.stop_s
            self.process.kill()

    def _start(self, now_s: float) -> None:
        self._started_s = now_s
        try:
            # A session of its own: Ctrl-C in the terminal reaches this process alone, which then stops the children in order.
            self.process = subprocess.Popen(
                self.child.argv, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_tied_to(os.getpid())
            )
        except OSError as error:
            log.error("%s: cannot be started: %s", self.child.name, error)
            self._again(now_s)
            return
        log.info("%s: started as process %d", self.child.name, self.process.pid)

    def _ended(self, status: int, now_s: float) -> None:
        if self._kill_at_s is not None:
            self._kill_at_s = None
            log.info("%s: ended with %d, as asked, and is started anew", self.child.name, status)
            self._start(now_s)
            return
        if status in (0, ConfigError.exit_code):
            self.finished = True
            log.log(logging.ERROR if status else logging.INFO, "%s: ended with %d and is not started again", self.child.name, status)
            return
        if now_s - self._started_s >= self._pace.stable_s:
            self._failures = 0
        log.warning("%s: ended with %d after %.1f s", self.child.name, status, now_s - self._started_s)
        self._again(now_s)

    def _again(self, now_s: float) -> None:
        pause_s = self._pace.pause_s(self._failures)
        self._failures += 1
        self._start_at_s = now_s + pause_s
        log.info("%s: is started again in %.1f s", self.child.name, pause_s)


def _stop_rank(kept: list[_Kept], pace: Pace) -> bool:
    """SIGTERM to all, one deadline for all, SIGKILL. Returns whether none had to be killed."""
    running = [(one.child.name, one.process) for one in kept if one.process is not None]
    for _name, process in running:
        process.send_signal(signal.SIGTERM)
    deadline_s, orderly = monotonic_s() + pace.stop_s, True
    for name, process in running:
        try:
            process.wait(max(0.0, deadline_s - monotonic_s()))
            log.info("%s: stopped with %d", name, process.returncode)
        except subprocess.TimeoutExpired:
            log.error("%s: did not stop within %.0f s: killed", name, pace.stop_s)
            process.kill()
            process.wait()
            orderly = False
    return orderly


def _tied_to(parent: int) -> Callable[[], None]:
    """Runs in the child before exec: prctl(2) PR_SET_PDEATHSIG, and the parent may have died already by then."""

    def tie() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)

    return tie
