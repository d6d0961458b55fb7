"""`edge centre live`: the newest pictures of a camera, for a while."""

from __future__ import annotations

import click

from edge.cli.centre_ask import Question, ask_node, question_options
from edge.cli.options import example
from edge.errors import UsageError
from edge.messages.wire import Response


@click.command(epilog=example("edge centre live pole-1 --camera gate --minutes 3 --operator a.nowak --case 'patrol 12/26'"))
@question_options(wait_s=960.0)
@click.option("--camera", default="", metavar="ID")
@click.option("--minutes", type=click.FloatRange(0.1, 240), default=10.0, show_default=True, help="The node has a bound of its own.")
@click.option("--stop", default="", metavar="ID", help="End that session instead.")
def live(question: Question, camera: str, minutes: float, stop: str) -> None:
    """Let NODE push what CAMERA records to the address in the node's configuration, and follow it until it ends.

    Nothing comes here: open the receiver to see it. Exit 0: shown, or ended. 77: refused. 75: failed.
    """
    if bool(stop) == bool(camera):
        raise UsageError("name a camera to show, or a session to end", remedy="--camera ID, or --stop ID")
    args = {"stop": stop} if stop else {"camera": camera, "minutes": minutes}
    final, _ = ask_node(question, "live", args)
    if not question.as_json:
        click.echo(_told(final, stop))


def _told(final: Response, stop: str) -> str:
    if stop:
        return f"{stop}: ended"
    data = final.data
    late = data.get("latency_ms") or {}
    return (
        f"{data.get('seconds')} s and {data.get('pictures')} pictures to {data.get('target')}, ended: {data.get('ended')}; "
        f"latency {late.get('p50')} ms (median), {late.get('p95')} ms (95 %); skipped {data.get('skipped')}"
    )
