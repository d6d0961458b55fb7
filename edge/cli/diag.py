"""`edge diag`: a node's troubles on one page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from edge.cli.journal import printable
from edge.cli.options import clock_of, config_option, example, json_option, load_for_people
from edge.host.linux_disk import LinuxDisk
from edge.messages.diag import Diagnosis, JournalDiag, LinkNote, RingDiag, Trouble
from edge.messages.health import CameraHealth
from edge.ring.layout import folders_of

_LAST = 20


@click.command(epilog=example("edge diag", "edge diag --json > pole-17.json"))
@config_option
@json_option
def command(config_path: Path | None, as_json: bool) -> None:
    """Show what a crew needs to know of a node in trouble: versions, disk, cameras, restarts, link, certificates, kernel, what went wrong.

    The same that the centre gets by the command `diag`. Nothing secret is in it, and no name of a person: it may be passed on.
    """
    loaded = load_for_people(config_path)
    from edge.health.diag import diagnose

    found = diagnose(loaded, folders_of(loaded.config), LinuxDisk(), clock_of(loaded.config))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
    else:
        for line in page(found):
            click.echo(printable(line))


def page(found: Diagnosis) -> Iterator[str]:
    """Lines."""
    health, software = found.health, found.health.software
    packages = ", ".join(f"{name} {version}" for name, version in found.packages.items())
    yield f"node {health.node} at {health.t} (clock {health.clock.state}, error {_of(health.clock.error_ms, 'ms')})"
    yield f"edge {software.version} on {software.board or 'unknown board'}, kernel {software.kernel}, Python {found.python}, {packages}"
    yield f"up {_of(software.uptime_s, 's')}, load {_of(software.load_1min)}, memory free {_megabytes(software.memory_available_bytes)}"
    yield from _config_lines(found)
    yield f"alarms: {', '.join(found.alarms) or 'none'}"
    yield f"power: under-voltage {_yes(health.power.under_voltage)}, since boot {_yes(health.power.under_voltage_since_boot)}"
    yield f"heat: CPU {_of(health.heat.cpu_temp_c, 'C')}, throttled {_yes(health.power.throttled)}"
    storage = health.storage
    sizes = f"{_megabytes(storage.free_bytes)} of {_megabytes(storage.total_bytes)} free, {_of(found.free_inodes)} inodes"
    yield f"disk: {sizes}, read-only {_yes(storage.read_only)}, wear {_of(storage.wear_used_percent, '%')}"
    for camera, ring in zip(health.cameras, found.rings, strict=False):
        yield from _camera_lines(camera, ring)
    for journal in found.journals:
        yield _journal_line(journal)
    yield from _link_lines(found.link)
    for each in found.certificates:
        until = f"until {each.not_after} ({_of(each.days_left, 'days left')}) {each.subject}"
        yield f"certificate {each.key}: {each.fault or until}"
    yield f"restarts from afar: {', '.join(found.supervisor) if found.supervisor is not None else 'not possible (no supervisor)'}"
    yield from (f"kernel: {line}" for line in found.kernel)
    yield f"what went wrong lately ({len(found.troubles)} records, newest last):"
    yield from (_trouble_line(each) for each in found.troubles[-_LAST:])


def _config_lines(found: Diagnosis) -> Iterator[str]:
    config = found.config
    same = "as in the file" if config.in_force == config.on_disk else f"the file has {config.on_disk or 'nothing that can be read'}"
    yield f"configuration {config.in_force[:16]} in force, {same if len(same) < 40 else same[:29]}"
    if config.trial:
        yield f"configuration on trial: {config.trial}"
    yield from (f"configuration error: {error}" for error in config.errors)


def _camera_lines(camera: CameraHealth, ring: RingDiag) -> Iterator[str]:
    yield (
        f"camera {camera.camera}: {camera.state}, last fragment {_of(camera.last_fragment_age_s, 's ago')}, {_of(camera.fps, 'frames/s')}, "
        f"{_of(camera.worker_restarts)} capture restarts{', ' + camera.fault if camera.fault else ''}"
    )
    reach = f"{ring.oldest or '?'} to {ring.newest or '?'}"
    yield f"  ring: {ring.segments} segments, about {_megabytes(ring.bytes_about)}, {reach}, {ring.undated} undated"


def _journal_line(journal: JournalDiag) -> str:
    starts = ", ".join(f"{count} after {how}" for how, count in journal.starts.items())
    gaps = ", ".join(f"{count} {reason}" for reason, count in journal.gaps.items())
    day = "; ".join(filter(None, (f"starts: {starts}" if starts else "", f"gaps: {gaps}" if gaps else "")))
    return f"journal {journal.name}: record {_of(journal.last_seq)} of {journal.last_t or '?'}; last day: {day or 'quiet'}"


def _link_lines(note: LinkNote | None) -> Iterator[str]:
    if note is None:
        yield "link: nothing known (no [mqtt], or the agent has not run in this boot)"
        return
    link = note.link
    state = f"connected since {note.connected_t}" if link.connected else f"not connected, last {note.connected_t or 'never'}"
    yield f"link to {note.broker} at {note.t}: {state}, {_of(link.connects)} connects, {_of(link.unsent_records)} records unsent"
    if note.trouble:
        yield f"  last trouble {note.trouble_t}: {note.trouble}, then waited {_of(note.next_attempt_s, 's')}"


def _trouble_line(each: Trouble) -> str:
    facts = ", ".join(f"{name}={value}" for name, value in each.facts.items() if value not in (None, "", [], {}))
    return f"  {each.t}{'' if each.clock == 'trusted' else '?'} {each.journal} #{each.seq} {each.type}: {facts}"


def _of(value: Any, unit: str = "") -> str:
    text = "?" if value is None else f"{value:,.1f}" if isinstance(value, float) else str(value)
    return f"{text} {unit}".strip()


def _megabytes(value: int | None) -> str:
    return "?" if value is None else f"{value / 1e6:,.0f} MB"


def _yes(value: bool | None) -> str:
    return {None: "?", True: "YES", False: "no"}[value]
