"""`edge journal`: tail, export, check."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

import click
import msgspec

from edge.cli.journal_files import check, export
from edge.cli.options import config_option, example, json_option, load_for_people
from edge.cli.times import local_text
from edge.clock import parse_utc
from edge.errors import NotFound, UsageError
from edge.host.linux_disk import LinuxDisk
from edge.journal.line import Line
from edge.journal.reader import JournalReader
from edge.messages.records import Record
from edge.ring.layout import folders_of

FOLLOW_S = 0.5
SHOWN_FACTS = 8


@click.group(epilog=example("edge journal tail --follow"))
def command() -> None:
    """Show the journals: what happened on this node, in order, with proof that nothing was taken out."""


command.add_command(export)
command.add_command(check)


@command.command(epilog=example("edge journal tail -n 50 --journal recorder.cam0", "edge journal tail --follow"))
@config_option
@json_option
@click.option("--journal", "names", multiple=True, metavar="NAME", help="recorder.<camera>, watcher ...; may be given again; default all.")
@click.option("-n", "count", type=click.IntRange(0, 1_000_000), default=20, show_default=True, help="Newest records to show.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on, until Ctrl-C.")
def tail(config_path: Path | None, as_json: bool, names: tuple[str, ...], count: int, follow: bool) -> None:
    """Show the newest records of the journals, merged by time.

    With --json each line is {"journal": ..., "record": ...}, the record verbatim.
    """
    config = load_for_people(config_path).config
    readers = _readers(folders_of(config).journals, names)
    reached: dict[str, int] = {}
    newest: list[tuple[str, Line]] = []
    for name, reader in readers.items():
        lines = list(islice(reader.back(), count))
        last = lines[0] if lines else reader.last()
        reached[name] = last.seq if last else 0
        newest += [(name, line) for line in lines]
    show = _as_json if as_json else _for_people(config.node.timezone)
    for name, line in _last_by_time(newest, count):
        click.echo(show(name, line))
    turn = Event()
    while follow:
        for name, line in _fresh(readers, reached):
            click.echo(show(name, line))
        turn.wait(FOLLOW_S)


def _readers(folder: Path, names: tuple[str, ...]) -> dict[str, JournalReader]:
    disk = LinuxDisk()
    try:
        known = sorted(entry.name for entry in disk.scan(folder) if entry.is_dir)
    except NotFound:
        known = []
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f'there is no journal "{unknown[0]}"', remedy="journals: " + (", ".join(known) or "none yet"))
    return {name: JournalReader(disk, folder / name) for name in names or known}


def _last_by_time(lines: list[tuple[str, Line]], count: int) -> Iterator[tuple[str, Line]]:
    """Each journal in its own order, merged by time."""
    by_name: dict[str, list[tuple[str, Line]]] = {}
    for name, line in lines:
        by_name.setdefault(name, []).append((name, line))
    streams = [sorted(each, key=lambda pair: pair[1].seq) for each in by_name.values()]
    return iter(deque(heapq.merge(*streams, key=lambda pair: pair[1].record.t), maxlen=count))


def _fresh(readers: dict[str, JournalReader], reached: dict[str, int]) -> Iterator[tuple[str, Line]]:
    found = []
    for name, reader in readers.items():
        for line in reader.read(reached[name], durable=False):
            reached[name] = line.seq
            found.append((name, line))
    return iter(sorted(found, key=lambda pair: pair[1].record.t))


def _as_json(name: str, line: Line) -> str:
    return msgspec.json.encode({"journal": name, "record": msgspec.Raw(line.raw)}).decode()


def _for_people(zone: str) -> Any:
    def show(name: str, line: Line) -> str:
        return f"{_time(line.record, zone)}  {name} #{line.seq}  {record_text(line.record)}"

    return show


def record_text(record: Record) -> str:
    """Type, camera and the facts that say something, in one line."""
    try:
        facts = msgspec.json.decode(record.facts)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        facts = {"unreadable": str(error)}
    told = (
        [f"{key}={_short(value)}" for key, value in facts.items() if value not in (None, "", [], 0, False)]
        if isinstance(facts, dict)
        else []
    )
    return printable(" ".join([record.type, *([record.camera] if record.camera else []), *told[:SHOWN_FACTS]]))


def printable(text: str) -> str:
    """A record of another machine must not steer the terminal it is shown on."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _time(record: Record, zone: str) -> str:
    """Local time; with a question mark where the clock was not trusted."""
    try:
        text = local_text(parse_utc(record.t), zone)
    except ValueError:
        text = record.t
    return text if record.clock == "trusted" else text + "?"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 40 else text[:37] + "..."
