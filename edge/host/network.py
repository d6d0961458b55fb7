"""The uplink's interface: the one with the default route."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.host.sysfs import read_int, read_text

_UP = 0x0001
_HEX = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Interface:
    """Counters since the interface came up. speed_mbps: None for radio links and virtual ones."""

    name: str
    carrier: bool | None
    speed_mbps: int | None
    received_bytes: int | None
    sent_bytes: int | None


def default_interface(root: Path = Path("/")) -> Interface | None:
    """The interface of the IPv4 default route with the lowest metric, else of the IPv6 one; None without a default route."""
    name = _default_v4(read_text(root / "proc/net/route")) or _default_v6(read_text(root / "proc/net/ipv6_route"))
    if name is None:
        return None
    folder = root / "sys/class/net" / name
    carrier, speed = read_int(folder / "carrier"), read_int(folder / "speed")
    return Interface(
        name,
        None if carrier is None else bool(carrier),
        speed if speed is not None and speed > 0 else None,
        read_int(folder / "statistics/rx_bytes"),
        read_int(folder / "statistics/tx_bytes"),
    )


def _default_v4(table: str | None) -> str | None:
    """/proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask ..."""
    routes = [line.split() for line in (table or "").splitlines()[1:]]
    usable = [r for r in routes if len(r) > 7 and r[1] == "00000000" and r[7] == "00000000" and _is_up(r[3]) and r[6].isdecimal()]
    return min(usable, key=lambda r: int(r[6]))[0] if usable else None


def _default_v6(table: str | None) -> str | None:
    """/proc/net/ipv6_route: destination, its length, ..., metric (6th), flags (9th), device (10th)."""
    routes = [line.split() for line in (table or "").splitlines()]
    usable = [
        r for r in routes if len(r) > 9 and set(r[0]) == {"0"} and r[1] == "00" and r[9] != "lo" and _is_up(r[8]) and set(r[5]) <= _HEX
    ]
    return min(usable, key=lambda r: int(r[5], 16))[9] if usable else None


def _is_up(flags: str) -> bool:
    return set(flags) <= _HEX and bool(int(flags, 16) & _UP)
