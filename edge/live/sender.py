"""Sends for one live session: `python -m edge.live.sender --fd N --parent PID`, a child that its session kills when it hangs.

FFmpeg, libsrt and aiortc talk to the network here and nowhere else in the agent. Messages come and go on a socket pair (wire.py): an
Opening, then pictures, each sent as it comes; the session paces them.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edge.host.child import die_with_parent
from edge.host.timesync import KernelClock
from edge.live.outlet import Outlet
from edge.live.refusal import Refusal
from edge.live.wire import BrokenWire, Inflow, Opened, Opening, Picture, Sent, Trouble, encode, receive

if TYPE_CHECKING:
    from edge.live.whip import WhipOutlet

NICE = 5
_MEMORY_BYTES = 1 << 30


def serve(connection: socket.socket) -> None:
    """Until End, the other end's end, or a Refusal, which is told. Raises OSError, BrokenWire."""
    inflow = Inflow()
    found = receive(connection, inflow)
    if not found or not isinstance(found[0], Opening):
        return
    try:
        outlet = _outlet(found[0])
        connection.sendall(encode(Opened()))
        _pass_on(connection, inflow, outlet)
        outlet.close()
    except Refusal as refusal:
        connection.sendall(encode(Trouble(refusal.code, str(refusal))))


def _outlet(opening: Opening) -> Outlet | WhipOutlet:
    if urlsplit(opening.url).scheme not in ("http", "https"):
        return Outlet(opening)
    try:
        from edge.live.whip import WhipOutlet
    except ImportError:
        raise Refusal("no_whip", "this node cannot send by WHIP: install aiortc (the extra whip)") from None
    return WhipOutlet(opening)


def _pass_on(connection: socket.socket, inflow: Inflow, outlet: Outlet | WhipOutlet) -> None:
    clock = KernelClock("assume")
    while messages := receive(connection, inflow):
        for message in messages:
            if not isinstance(message, Picture):
                return
            outlet.send(message)
            connection.sendall(encode(Sent(message.boot_ns, clock.boot_ns(), len(message.data))))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m edge.live.sender")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    words = parser.parse_args()
    die_with_parent(words.parent)
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    with socket.socket(fileno=words.fd) as connection:
        try:
            serve(connection)
        except (OSError, BrokenWire) as error:
            sys.exit(f"the live session is gone: {error}")


if __name__ == "__main__":
    main()
