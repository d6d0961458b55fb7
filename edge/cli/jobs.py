"""`edge jobs`: the clips this node has been asked for. Works on the local disk, without any network or other process."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from edge.cli.local_journal import local_journal
from edge.cli.options import config_option, example, json_option, load_for_people, now_of
from edge.clock import format_utc
from edge.config.model import NodeConfig
from edge.host.linux_disk import LinuxDisk
from edge.messages.records import Command
from edge.ring.layout import folders_of
from edge.upload.job_list import job_list
from edge.upload.jobs import JobStore
from edge.upload.terms import Cancellation, check_why


@click.group(invoke_without_command=True, epilog=example("edge jobs", "edge jobs --recent 100 --json"))
@config_option
@json_option
@click.option("--recent", type=click.IntRange(0, 1000), default=20, show_default=True, help="Most closed jobs to show.")
@click.pass_context
def command(context: click.Context, config_path: Path | None, as_json: bool, recent: int) -> None:
    """Show the clips the centre asked for: what waits and for what, what is on its way, what became of the others.

    An exclamation mark: urgent. Open jobs first, oldest first; then those that ended, the last first.
    """
    if context.invoked_subcommand is not None:
        return
    config = load_for_people(config_path).config
    lines, left_out = job_list(_store(config), recent)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"jobs": lines, "left_out": left_out})))
        return
    from edge.cli.job_table import show_jobs

    show_jobs(lines, left_out, config.node.timezone)


@command.command(epilog=example("edge jobs cancel 1f0c7a52 --by a.nowak --why 'asked for the wrong camera'"))
@config_option
@click.argument("job_id", metavar="ID")
@click.option("--by", required=True, help="Who calls it off.")
@click.option("--why", required=True)
def cancel(config_path: Path | None, job_id: str, by: str, why: str) -> None:
    """Call a clip off: its transfer stops, its footage is let go, what arrived stays with the receiver.

    Decided when this returns, and recorded; the agent ends the job within seconds, or at its next start.
    """
    config = load_for_people(config_path).config
    check_why(by, why)
    store = _store(config)
    with local_journal(config) as journal:
        job = store.cancel(job_id, Cancellation(by=by, why=why, t=format_utc(now_of(config).utc_ns)))
        journal.append(Command(id=job.id, verb="cancel", operator=by, case=job.request.case, state="done", text=why), job.request.camera)
    click.echo(f"{job.id}: called off")


def _store(config: NodeConfig) -> JobStore:
    return JobStore(LinuxDisk(), folders_of(config).jobs)
