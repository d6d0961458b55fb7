"""`edge journal export` and `check`: a stretch of a journal as a file, and whether such a file is whole."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from edge.audit.journals import Chain
from edge.cli.options import config_option, example, json_option, load_for_people, now_of
from edge.cli.times import parse_range
from edge.clock import format_utc
from edge.errors import IntegrityError, StorageError, UsageError
from edge.host.linux_disk import LinuxDisk
from edge.journal.line import Line, parse_line
from edge.journal.reader import JournalReader
from edge.messages.audit import ChainState
from edge.messages.records import RECORD_MAX_BYTES
from edge.ring.layout import folders_of


@click.command(epilog=example("edge journal export --journal local --from 2026-11-01 --to 2026-12-01 -o local.jsonl"))
@config_option
@json_option
@click.option("--journal", "name", required=True, metavar="NAME", help="recorder.<camera>, watcher, agent, local ...")
@click.option("--from", "start", default="1971-01-01T00:00:00Z", metavar="TIME", help="Default: the first record that is left.")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A new file.")
def export(config_path: Path | None, as_json: bool, name: str, start: str, end: str, output: Path) -> int:
    """Write the records of one journal to a file, byte for byte and without a hole: `edge journal check` proves it anywhere.

    The hash of the last record is printed: compare it with a checkpoint, or with what the centre has stored.
    """
    config = load_for_people(config_path).config
    folder = folders_of(config).journal(name)
    known = sorted(each.name for each in folder.parent.iterdir() if each.is_dir()) if folder.parent.is_dir() else []
    if name not in known:
        raise UsageError(f'there is no journal "{name}"', remedy="journals: " + (", ".join(known) or "none yet"))
    first, last = (format_utc(moment) for moment in parse_range(start, end, now_of(config).utc_ns, config.node.timezone))
    chain = Chain(name)
    digest, size = _write(output.absolute(), chain.through(_until(JournalReader(LinuxDisk(), folder).since(first), last)))
    return _tell(chain.state, as_json, {"file": str(output), "bytes": size, "sha256": digest})


@click.command(epilog=example("edge journal check local.jsonl", "edge journal check local.jsonl --head 3f9a..."))
@json_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--head", default="", metavar="SHA256", help="What the last record's hash must be, as told elsewhere.")
def check(as_json: bool, file: Path, head: str) -> int:
    """Check an exported journal: numbers without holes, each record holding the hash of the one before it. Needs no node.

    That nothing was cut off at the end only --head can prove. Exit 65: it does not add up.
    """
    try:
        with file.open("rb") as source:
            state = _checked(source, file.name)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    if head and head.lower() != state.head_sha256:
        state = msgspec.structs.replace(state, whole=False, faults=[*state.faults, "the last record is not the one named by --head"])
    return _tell(state, as_json, {"file": str(file)})


def _checked(source: BinaryIO, name: str) -> ChainState:
    chain, unreadable, torn = Chain(name), 0, False
    for raw in iter(lambda: source.readline(RECORD_MAX_BYTES + 2), b""):
        torn = not raw.endswith(b"\n")
        line = parse_line(raw[:-1]) if not torn else None
        if line is None:
            unreadable += 1
        else:
            for _ in chain.through([line]):
                pass
    state = chain.state
    faults = list(state.faults)
    if not state.lines:
        faults.append("there is no record in it")
    if unreadable:
        faults.append(f"{unreadable} lines are no records" + (": the last one is cut short" if torn and unreadable == 1 else ""))
    if state.lives > 1:
        faults.append("another journal begins in the middle of it")
    return msgspec.structs.replace(state, whole=not faults, faults=faults)


def _until(lines: Iterator[Line], last: str) -> Iterator[Line]:
    for line in lines:
        if line.record.clock != "untrusted" and line.record.t > last:
            return
        yield line


def _write(path: Path, lines: Iterator[Line]) -> tuple[str, int]:
    disk, digest, size = LinuxDisk(), sha256(), 0
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", remedy="make it, or name another file with -o")
    try:
        file = disk.create(path)
    except StorageError as error:
        if error.number == errno.EEXIST:
            raise UsageError(f"{path} exists already", remedy="name another file with -o") from error
        raise
    try:
        for line in lines:
            file.write(line.raw, b"\n")
            digest.update(line.raw + b"\n")
            size += len(line.raw) + 1
        file.fsync()
    finally:
        file.close()
    disk.sync_dir(path.parent)
    return digest.hexdigest(), size


def _tell(state: ChainState, as_json: bool, more: dict[str, object]) -> int:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(more | msgspec.to_builtins(state))))
    else:
        verdict = "whole" if state.whole else "BROKEN"
        click.echo(f"{more['file']}: {state.lines} records, {state.first_seq} to {state.last_seq}, chain {verdict}")
        click.echo(f"  last record sha256 {state.head_sha256}")
        for fault in state.faults:
            click.echo(f"  {fault}")
    return 0 if state.whole else IntegrityError.exit_code
