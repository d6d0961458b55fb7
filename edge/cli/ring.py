"""`edge ring`: check."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from edge.cli.options import clock_of, config_option, example, json_option, load_for_people
from edge.config.model import NodeConfig
from edge.errors import IntegrityError
from edge.host.linux_disk import LinuxDisk
from edge.ring.check import Bounds, CheckReport
from edge.ring.check import check as check_ring
from edge.ring.retain import policy_of

INVARIANTS = {
    1: "a sealed segment is never modified",
    2: "a synced fragment is readable",
    3: "numbers are contiguous, missing seconds explained",
    4: "nothing vanishes without a decision",
    5: "nothing un-held is older than the legal maximum",
    6: "held footage stays",
    7: "journals are whole chains",
    8: "cursors never run ahead",
    9: "a command runs at most once, and only if valid",
    10: "a name is true UTC, or the segment is undated",
    11: "the reserve is free",
    12: "every GOP is signed, or the journal says why not",
}


@click.group(epilog=example("edge ring check"))
def command() -> None:
    """Check the footage on disk."""


@command.command(epilog=example("edge ring check", "edge ring check --deep --json"))
@config_option
@json_option
@click.option("--deep", is_flag=True, help="Read every byte: hashes, checksums, signatures.")
def check(config_path: Path | None, as_json: bool, deep: bool) -> int:
    """Check the numbered invariants of ring, holds, journals and cursors. Changes nothing; the node may be at work.

    Exit 0: all hold. Exit 65: at least one does not; each finding names its number.
    """
    config = load_for_people(config_path).config
    disk, data = LinuxDisk(), Path(config.node.data)
    report = check_ring(disk, data, deep=deep, clock=clock_of(config), bounds=_bounds(config, disk.space(data).total_bytes))
    if deep:
        report = _with_seals(report, disk, data)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"ok": report.ok, "findings": report.findings, "counts": report.counts})))
    else:
        _tell(report)
    return 0 if report.ok else IntegrityError.exit_code


def _with_seals(report: CheckReport, disk: LinuxDisk, data: Path) -> CheckReport:
    from edge.services.seal_check import check_seals

    findings, signed = check_seals(disk, data)
    return CheckReport([*report.findings, *findings], {**report.counts, "signed": signed})


def _bounds(config: NodeConfig, total_bytes: int) -> Bounds:
    return Bounds(retention_days=config.retention.days, reserve_bytes=policy_of(config).reserve_of(total_bytes))


def _tell(report: CheckReport) -> None:
    for finding in sorted(report.findings, key=lambda each: (each.invariant, each.camera)):
        camera = f" {finding.camera}:" if finding.camera else ""
        click.echo(f"invariant {finding.invariant} ({INVARIANTS[finding.invariant]}):{camera} {finding.text}")
    counts = ", ".join(f"{count:,} {name}" for name, count in report.counts.items())
    verdict = "OK" if report.ok else f"{len(report.findings)} findings"
    click.echo(f"{verdict}: {counts}" if counts else verdict)
