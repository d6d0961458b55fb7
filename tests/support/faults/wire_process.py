"""A wire in user space between two network namespaces: it delays, loses and swallows IP packets, each way by itself.

python -m tests.support.faults.wire_process NAMESPACE DEVICE NAMESPACE DEVICE
Each line on stdin is a JSON object with the state from then on: delay_s (each way), loss (share of packets), open (up, down: whether
anything passes from the first to the second, and back). Packets are lost by a seeded generator. Linux: tun devices, setns(2).
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import struct
import sys
import time

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_PACKET = 65_536
SEED = 4


def tun_in(namespace: str, device: str) -> int:
    """The process is in that namespace afterwards; the device stays where it was made."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(place, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(place)
    made = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(made, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TUN | _IFF_NO_PI))
    return made


class Wire:
    def __init__(self, ends: tuple[int, int]) -> None:
        self._ends = ends
        self._delay_s, self._loss = 0.0, 0.0
        self._passes = [True, True]
        self._chance = random.Random(SEED)
        self._flying: list[tuple[float, int, int, bytes]] = []
        self._number = 0

    def run(self) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
            for side, end in enumerate(self._ends):
                ready.register(end, selectors.EVENT_READ, side)
            while True:
                wait_s = max(0.0, self._flying[0][0] - time.monotonic()) if self._flying else None
                for key, _ in ready.select(wait_s):
                    if key.data is None:
                        line = os.read(sys.stdin.fileno(), 4096)
                        if not line:
                            return
                        self._told(json.loads(line))
                    else:
                        self._take(key.data)
                self._land()

    def _told(self, state: dict[str, float]) -> None:
        self._delay_s, self._loss = state["delay_s"], state["loss"]
        self._passes = [bool(state["up"]), bool(state["down"])]
        print("done", flush=True)

    def _take(self, side: int) -> None:
        try:
            packet = os.read(self._ends[side], _PACKET)
        except BlockingIOError:
            return
        if self._passes[side] and self._chance.random() >= self._loss:
            self._number += 1
            heapq.heappush(self._flying, (time.monotonic() + self._delay_s, self._number, 1 - side, packet))

    def _land(self) -> None:
        while self._flying and self._flying[0][0] <= time.monotonic():
            _, _, side, packet = heapq.heappop(self._flying)
            if self._passes[1 - side]:
                try:
                    os.write(self._ends[side], packet)
                except OSError:
                    continue  # the device is down, or full: as on a wire


def main(first: str, first_device: str, second: str, second_device: str) -> None:
    ends = (tun_in(first, first_device), tun_in(second, second_device))
    print("ready", flush=True)
    Wire(ends).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
