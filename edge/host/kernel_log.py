"""What the kernel says about the card, the supply and memory: /dev/kmsg, where this user may read it.

Source: Linux, Documentation/ABI/testing/dev-kmsg.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

RECORD_BYTES = 8192
_RECORDS_MAX = 20_000
_LINE_CHARS = 200
_WORTH = re.compile(
    r"mmc\d|mmcblk|I/O error|EXT4-fs (error|warning)|Remounting filesystem read-only|nvme.*(timeout|reset)|[Uu]nder-?voltage|"
    r"throttl|thermal|Out of memory|oom-kill|hung_task|blocked for more than|watchdog|usb .*(disconnect|over-current)"
)


def kernel_troubles(most: int, root: Path = Path("/")) -> list[str]:
    """Newest last: "<seconds since boot> <text>". Empty where the kernel says nothing of the kind, or not to this user."""
    try:
        descriptor = os.open(root / "dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    found: list[str] = []
    try:
        for _ in range(_RECORDS_MAX):
            try:
                data = os.read(descriptor, RECORD_BYTES)
            except BrokenPipeError:  # overwritten while we read: go on with the oldest there is
                continue
            except OSError:  # nothing more (EAGAIN), or not for us
                break
            if not data:
                break
            found += [line for line in map(_line, data.decode("utf-8", "replace").splitlines()) if line]
            found = found[-most:]
    finally:
        os.close(descriptor)
    return found


def _line(record: str) -> str:
    """ "6,339,5140900,-;text" -> "5.141 text" where it is worth telling."""
    head, _, text = record.partition(";")
    fields = head.split(",")
    if len(fields) < 3 or not fields[2].isdecimal() or not _WORTH.search(text):
        return ""
    printable = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f"{int(fields[2]) / 1e6:.3f} {printable[:_LINE_CHARS]}"
