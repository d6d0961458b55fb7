"""Does the disk keep the promises of architecture.md? Every finding names the invariant it breaks. Read-only, also beside a running node.

1 sealed segments are as they were recorded - 2 synced fragments are readable - 3 numbers are contiguous, missing seconds explained - 4
nothing vanished without a decision - 5 nothing is older than allowed - 6 held footage is there - 7 journals are whole chains - 8
cursors do not run ahead - 10 names are true - 11 the reserve is free. (9 is not visible on the disk; for 12 see services/seal_check.py.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edge.clock import Clock
from edge.host.disk import Disk
from edge.ring.check_camera import CameraCheck
from edge.ring.check_node import check_cursors, check_holds, check_journals, check_reserve
from edge.ring.findings import Finding, subfolders
from edge.ring.layout import NodeFolders

_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Bounds:
    """What only the configuration knows; None: not checked. retention_days: the legal maximum. reserve_bytes: kept free."""

    retention_days: float | None = None
    reserve_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """counts: what was looked at, e.g. {"segments": 12, "bytes": 3400000, "undated": 0, "open": 1, "records": 55}."""

    findings: list[Finding]
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.findings


def check(disk: Disk, data: Path, *, deep: bool = False, clock: Clock | None = None, bounds: Bounds = Bounds()) -> CheckReport:
    """`data`: root of the data partition. deep: read every byte (SHA-256 of each segment, CRC-32 of each fragment). clock: to know what
    is too old.

    A node at work changes while it is looked at: a finding counts only if it is still there on a second and a third look. Raises
    StorageError where the disk cannot be read.
    """
    report = _look(disk, data, deep, clock, bounds)
    for _ in range(_LOOKS - 1):
        if report.ok:
            return report
        again = _look(disk, data, deep, clock, bounds)
        report = CheckReport([finding for finding in again.findings if finding in report.findings], again.counts)
    return report


def _look(disk: Disk, data: Path, deep: bool, clock: Clock | None, bounds: Bounds) -> CheckReport:
    folders = NodeFolders(data, data)
    findings: list[Finding] = []
    counts: dict[str, int] = {}
    for camera in subfolders(disk, folders.rings):
        found = CameraCheck(disk, folders, camera, deep).run(clock, bounds.retention_days)
        findings += found.findings
        for word, number in found.counts.items():
            counts[word] = counts.get(word, 0) + number
    findings += check_holds(disk, folders)
    records, broken = check_journals(disk, folders)
    counts["records"] = records
    findings += broken
    findings += check_cursors(disk, folders)
    if bounds.reserve_bytes is not None:
        findings += check_reserve(disk, folders, bounds.reserve_bytes)
    return CheckReport(findings, counts)
