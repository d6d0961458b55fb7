"""`edge centre jobs|cancel`: what becomes of the clips that a node was asked for, and calling one off."""

from __future__ import annotations

import click
import msgspec

from edge.cli.centre_ask import Question, ask_node, question_options
from edge.cli.centre_link import ZONE
from edge.cli.options import example
from edge.errors import TryAgain
from edge.upload.job_list import JobLine


@click.command(epilog=example("edge centre jobs pole-1 --operator a.nowak --broker centre.toml --key centre/command.key"))
@question_options(case_required=False)
@click.option("--recent", type=click.IntRange(0, 200), default=20, show_default=True, help="Most closed jobs to show.")
@click.option("--timezone", default=ZONE, show_default=True, help="Of the times that are shown.")
def jobs(question: Question, recent: int, timezone: str) -> None:
    """Show the clip jobs of NODE: what waits and for what, what is on its way, what became of the others."""
    from edge.cli.job_table import show_jobs

    final, _ = ask_node(question, "jobs", {"recent": recent})
    if question.as_json:
        return
    try:
        lines = msgspec.convert(final.data.get("jobs", []), list[JobLine])
    except msgspec.ValidationError as error:
        raise TryAgain(f"{question.node} answered another list than this program knows: {error}", remedy="--json shows it") from error
    show_jobs(lines, int(final.data.get("left_out", 0)), timezone)


@click.command(epilog=example("edge centre cancel pole-1 1f0c7a52 --why 'the wrong camera' --operator a.nowak --case 'RSOW 12/26'"))
@question_options(case_required=False)
@click.argument("job")
@click.option("--why", required=True)
def cancel(question: Question, job: str, why: str) -> None:
    """Call the clip JOB of NODE off: its transfer stops, its footage is let go, what arrived stays with the receiver."""
    final, _ = ask_node(question, "cancel", {"id": job, "why": why})
    if not question.as_json:
        click.echo(final.text)
