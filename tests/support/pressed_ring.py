"""A recorder under pressure, as a process of its own: records small segments as fast as it can into a ring that has room for few of them.

python -m tests.support.pressed_ring DATA SEGMENTS. Prints "ready" when the ring is full; ends when its stdin is closed, and then prints how
many segments it recorded.
"""

from __future__ import annotations

import select
import sys
from dataclasses import replace
from pathlib import Path

from edge.host.linux_disk import LinuxDisk
from tests.support.plain_ring import POLICY, SEGMENT_BYTES, PlainRing


def main(data: str, segments: str) -> None:
    room = int(segments)
    ring = PlainRing(LinuxDisk(), data=Path(data), policy=replace(POLICY, budget_bytes=room * SEGMENT_BYTES))
    while not select.select([sys.stdin], [], [], 0)[0]:
        ring.sweeper.sweep(SEGMENT_BYTES)
        ring.record()
        if ring.next_seq == room + 1:
            print("ready", flush=True)
    print(ring.next_seq - 1, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
