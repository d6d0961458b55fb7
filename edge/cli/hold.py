"""`edge hold`: add, list, release, refresh. Works on the local disk, without any network or other process."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import msgspec

from edge.audit.local_journal import WRITER, local_journal
from edge.cli.footage import cameras_with_footage, ring_reader
from edge.cli.options import clock_of, config_option, example, json_option, known_camera, load_for_people, now_of
from edge.cli.times import is_relative, local_text, parse_range, parse_time
from edge.clock import format_utc, parse_utc
from edge.config.model import NodeConfig
from edge.host.identity import boot_id
from edge.host.linux_disk import LinuxDisk
from edge.host.turn import turn_at
from edge.journal.writer import JournalWriter
from edge.messages.hold import Hold
from edge.ring.hold import Holds
from edge.ring.hold_request import HoldRequest
from edge.ring.layout import folders_of

_TURN_WAIT_S = 4.0
"""A hold is in force within five seconds, or refused."""


@click.group(epilog=example("edge hold list"))
def command() -> None:
    """Keep footage from being erased: evidence locks.

    A lock outlives the retention time, a full disk and reboots, until someone releases it and says why. Both are recorded.
    """


@command.command(
    epilog=example(
        "edge hold add --camera cam0 --from 2026-11-22T14:00 --to 2026-11-22T14:30 --case RSOW-12/26 --by a.nowak --review-date 2027-02-01",
        "edge hold add --from -10m --to 2026-11-23T06:00 --case RSOW-12/26 --by a.nowak",
    )
)
@config_option
@json_option
@click.option("--camera", metavar="ID", help="May be left out where there is one only.")
@click.option("--from", "start", required=True, metavar="TIME")
@click.option("--to", "end", required=True, metavar="TIME", help="May lie ahead by up to 31 days.")
@click.option("--case", required=True, help="Reference of the proceedings.")
@click.option("--by", required=True, help="Who asks.")
@click.option("--review-date", "review", metavar="DATE", help="When someone should look whether it is still needed: a local date, or TIME.")
@click.option("--id", "hold_id", metavar="ID", help="Default: made of case, camera and range, so that the same words are the same lock.")
def add(
    config_path: Path | None,
    as_json: bool,
    camera: str | None,
    start: str,
    end: str,
    case: str,
    by: str,
    review: str | None,
    hold_id: str | None,
) -> None:
    """Lock a time range of one camera. Asked again it is the same lock.

    The range is kept from the moment this returns, what is still to be recorded included: the recorder passes over it. While the node's
    clock is not set, times relative to now mean what they say; others mean true time, and footage that may belong to them is kept.
    Refused (77) over the quota of [hold] quota_percent, or when the id names another range.
    """
    config = load_for_people(config_path).config
    now = now_of(config)
    now_ns, zone = now.utc_ns, config.node.timezone
    first, last = (format_utc(moment) for moment in parse_range(start, end, now_ns, zone))
    known = cameras_with_footage(config, ring_reader(config), (camera,))[0] if camera else known_camera(config, None)
    request = HoldRequest(
        id=hold_id or made_id(case, known, first, last),
        camera=known,
        start=first,
        end=last,
        case=case,
        by=by,
        review=None if review is None else format_utc(parse_time(review, now_ns, zone)),
        by_node_clock=is_relative(start) and is_relative(end),
    )
    with _holds(config) as holds:
        hold = holds.add(request)
    if as_json:
        _print_json(hold)
        return
    click.echo(f"{hold.id}: {len(hold.segments)} segments of {known}, {hold.bytes:,} bytes, are kept")
    if parse_utc(hold.end) > now_ns:
        click.echo(
            "the range reaches into the future: what is recorded in it is kept; the agent links it (without one: `edge hold refresh`)"
        )
    elif not hold.segments:
        click.echo(f"warning: there is no footage of {known} in this range", err=True)
    if hold.since is not None:
        click.echo(
            f"warning: what was recorded before {local_text(parse_utc(hold.since), zone)} was due for destruction: not kept", err=True
        )
    if not now.dated:
        click.echo("warning: the node's clock is not set" + _meant(hold), err=True)


def _meant(hold: Hold) -> str:
    return ": the range moves with the footage once it is" if hold.boot else ": footage without a date that may belong to the range is kept"


@command.command(name="list", epilog=example("edge hold list --json"))
@config_option
@json_option
@click.option("--past-review", "only_late", is_flag=True, help="Only those that someone should look at by now.")
def list_command(config_path: Path | None, as_json: bool, only_late: bool) -> None:
    """Show the locks in force, those past their review date marked, and how much of the quota they use."""
    config = load_for_people(config_path).config
    holds = holds_to_look_at(config)
    late = {hold.id for hold in holds.past_review()}
    found = [hold for hold in holds.holds() if hold.id in late or not only_late]
    if as_json:
        _print_json([{**msgspec.to_builtins(hold), "past_review": hold.id in late} for hold in found])
    else:
        for hold in found:
            click.echo(_line(hold, config.node.timezone, hold.id in late))
        click.echo(f"{len(found)} locks, {holds.held_bytes():,} of {holds.quota_bytes():,} bytes")
    for name in holds.incomplete():
        click.echo(f"warning: lock {name} has no readable hold.json; what it links to stays", err=True)


@command.command(epilog=example("edge hold release RSOW-12-26-1f0c7a52 --by a.nowak --why 'handed over on 2026-12-01'"))
@config_option
@click.argument("hold_id", metavar="ID")
@click.option("--by", required=True, help="Who releases it.")
@click.option("--why", required=True)
@click.option("--case", default="", help="Reference under which it is released; default the lock's own.")
def release(config_path: Path | None, hold_id: str, by: str, why: str, case: str) -> None:
    """Let a lock go. Its footage is erased when its time has come."""
    config = load_for_people(config_path).config
    with _holds(config) as holds:
        holds.release(hold_id, by, why, case)
    click.echo(f"{hold_id}: released")


@command.command(epilog=example("edge hold refresh"))
@config_option
def refresh(config_path: Path | None) -> None:
    """Complete locks: what was interrupted, and footage recorded since. The agent does this by itself."""
    config = load_for_people(config_path).config
    with _holds(config) as holds:
        changed = holds.refresh()
    for hold in changed:
        click.echo(f"{hold.id}: {len(hold.segments)} segments, {hold.bytes:,} bytes")


def made_id(case: str, camera: str, start: str, end: str) -> str:
    """Readable, and the same for the same words."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", case).strip("-")[:40] or "hold"
    return f"{words}-{hashlib.sha256(chr(0).join((case, camera, start, end)).encode()).hexdigest()[:8]}"


@contextmanager
def _holds(config: NodeConfig) -> Iterator[Holds]:
    with local_journal(config) as journal:
        yield _made(config, journal)


def holds_to_look_at(config: NodeConfig) -> Holds:
    """For reading: its journal is never written."""
    return _made(config, JournalWriter(LinuxDisk(), folders_of(config).journal(WRITER), clock_of(config), boot_id()))


def _made(config: NodeConfig, journal: JournalWriter) -> Holds:
    folders = folders_of(config)
    rates = {camera.id: camera.bitrate_kbps for camera in config.camera}
    turn = partial(turn_at, folders.hold, _TURN_WAIT_S)
    return Holds(LinuxDisk(), folders.data, journal, clock_of(config), ring_reader(config), config.hold.quota_percent, rates, turn)


def _line(hold: Hold, zone: str, late: bool) -> str:
    first, last = local_text(parse_utc(hold.start), zone), local_text(parse_utc(hold.end), zone)
    review = "" if hold.review is None else f", review {hold.review[:10]}{' (PAST)' if late else ''}"
    size = f"{len(hold.segments)} segments  {hold.bytes:,} bytes"
    return f"{hold.id}  {hold.camera}  {first} to {last}  {size}  case {hold.case}, by {hold.by}{review}"


def _print_json(value: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value)))
