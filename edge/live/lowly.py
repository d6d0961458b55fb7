"""What a live picture may take of the uplink: what alarms and events leave. Socket options of tcp(7), ip(7), socket(7)."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

LOW_TOS = 0x20
"""DSCP CS1 (RFC 3662): behind everything else, where a router or modem looks at it."""
_LOW_PRIORITY = 1
"""Bulk, for this machine's own queue (tc-pfifo_fast)."""
UNSENT_BYTES = 128 << 10
"""A slow link is seen by what waits: not hidden in megabytes of the kernel's buffer."""
_TCP_NOTSENT_LOWAT = 25


def lower_sockets() -> None:
    """All internet sockets of this process."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            duplicate = socket.socket(fileno=os.dup(int(name)))
            with duplicate:
                if duplicate.family not in (socket.AF_INET, socket.AF_INET6):
                    continue
                if duplicate.family == socket.AF_INET:
                    duplicate.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, LOW_TOS)
                else:
                    duplicate.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, LOW_TOS)
                duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _LOW_PRIORITY)
                if duplicate.type == socket.SOCK_STREAM:
                    duplicate.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_BYTES)
