"""Talk to the service manager (sd_notify(3), sd_watchdog_enabled(3)). Without NOTIFY_SOCKET every call does nothing.

systemd-python is used where it is installed; the protocol is one datagram, so its absence costs nothing.
"""

from __future__ import annotations

import logging
import os
import socket
from importlib import import_module
from types import ModuleType

log = logging.getLogger(__name__)

_daemon: ModuleType | None
try:
    _daemon = import_module("systemd.daemon")
except ImportError:
    _daemon = None


def notify(*assignments: str) -> bool:
    """Send e.g. "READY=1", "STATUS=recording". True when it was handed over; a service manager that is gone is logged, never raised."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    text = "\n".join(assignments)
    try:
        if _daemon is not None:
            return bool(_daemon.notify(text))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            sender.connect("\0" + address[1:] if address.startswith("@") else address)
            sender.send(text.encode())
    except OSError as error:
        log.warning("service manager not told %s: %s", assignments[0], error)
        return False
    return True


def ready(status: str = "") -> bool:
    return notify("READY=1", *([f"STATUS={status}"] if status else []))


def status(text: str) -> bool:
    return notify("STATUS=" + text.replace("\n", " "))


def watchdog() -> bool:
    """Call only from a place that proves progress."""
    return notify("WATCHDOG=1")


def stopping() -> bool:
    return notify("STOPPING=1")


def watchdog_interval_s() -> float | None:
    """How often to call `watchdog`: half of WatchdogSec; None when this process is not watched."""
    try:
        limit_us = int(os.environ.get("WATCHDOG_USEC", "0"))
        owner = int(os.environ.get("WATCHDOG_PID", str(os.getpid())))
    except ValueError:
        return None
    return limit_us / 2e6 if limit_us > 0 and owner == os.getpid() else None
