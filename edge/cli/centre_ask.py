"""`edge centre request-clip|hold|release|timeline|snapshot|ask`: commands to one node, followed to their last word."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from edge.cli.centre_link import ZONE, broker_option, looking_centre, now_utc_ns
from edge.cli.centre_picture import ClipNews, not_taken
from edge.cli.journal import printable
from edge.cli.options import example, json_option
from edge.cli.times import parse_range, parse_time
from edge.clock import format_utc
from edge.errors import Refused, TryAgain, UsageError
from edge.messages.wire import Response

STATUS_S = 2.0
"""How long the broker may take to tell a node's retained status: it comes with the subscription, or never."""

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Question:
    """What every command to a node needs, as on the command line."""

    node: str
    broker: Path
    key: Path
    operator: str
    case: str
    wait_s: float
    as_json: bool


def question_options(case_required: bool = True, wait_s: float = 60.0) -> Callable[[_F], Callable[..., Any]]:
    """NODE and the options of a Question, passed on as `question`."""

    def wrap(function: _F) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(node: str, broker: Path, key: Path, operator: str, case: str, wait_s: float, as_json: bool, **others: object) -> object:
            return function(question=Question(node, broker, key, operator, case, wait_s, as_json), **others)

        decorated: Callable[..., Any] = called
        key_text = "Made by `edge centre keys`."
        for option in (
            click.option("--wait", "wait_s", type=click.FloatRange(0, 604_800), default=wait_s, show_default=True, help="Seconds to wait."),
            json_option,
            click.option("--key", type=click.Path(path_type=Path), default=Path("command.key"), show_default=True, help=key_text),
            click.option("--case", required=case_required, default=None if case_required else "", help="Case reference."),
            click.option("--operator", required=True, help="Who asks."),
            broker_option,
            click.argument("node"),
        ):
            decorated = option(decorated)
        return decorated

    return wrap


def ask_node(question: Question, verb: str, args: Mapping[str, object], *, id: str = "", again: str = "") -> tuple[Response, bytes | None]:
    """The last word, with the picture where one came. again: what to do where none comes in time, {id} stands for the request. Raises
    TryAgain: nobody took it, no last word in time, failed; Refused."""
    news = ClipNews(quiet=question.as_json)
    with looking_centre(question.broker, question.key) as centre:
        centre.wait_node(question.node, STATUS_S)
        handle = centre.command(question.node, verb, args, operator=question.operator, case=question.case, id=id)
        final = handle.wait(question.wait_s, news.tell)
        picture = handle.wait_picture(STATUS_S) if final is not None and verb == "snapshot" else None
    if final is None and handle.undelivered:
        raise TryAgain(f"{verb} {handle.id} was not asked for: {not_taken(question.node, handle.delivery or 0)}")
    if final is None:
        raise TryAgain(f"no last word on {verb} {handle.id} within {question.wait_s:g} s", remedy=again.replace("{id}", handle.id))
    if question.as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(final)))
    else:
        news.last(final)
    if final.state == "cancelled":
        raise Refused("cancelled", f"{question.node}: {printable(final.text)}")
    if final.state == "refused":
        raise Refused(final.code, f"{question.node} refused: {final.code} {printable(final.text)}")
    if final.state == "failed":
        raise TryAgain(f"{question.node} failed: {final.code} {printable(final.text)}")
    return final, picture


@click.command(
    epilog=example(
        "edge centre request-clip pole-1 --camera cam0 --from 2026-11-22T14:05 --to 2026-11-22T14:06 \\",
        "    --operator a.nowak --case 'RSOW 12/26' --broker centre.toml --key centre/command.key",
    ),
)
@question_options(wait_s=600.0)
@click.option("--camera", required=True, metavar="ID")
@click.option("--from", "start", required=True, metavar="TIME")
@click.option("--to", "end", required=True, metavar="TIME", help="May lie ahead by a day: it is sent when it is recorded.")
@click.option("--basis", default="", help="Legal basis of the hand-over.")
@click.option("--recipient", default="", help="Who receives it.")
@click.option("--urgent", is_flag=True, help="Before all others, also in quiet hours and over the day's budget.")
@click.option(
    "--deadline", default="", metavar="HOURS|TIME", help="When it is of no use any more; hours count from when the footage is there."
)
@click.option("--id", "request_id", default="", help="The same id again joins the same job; default a new one.")
@click.option("--timezone", default=ZONE, show_default=True, help="Of times without an offset.")
def request_clip(
    question: Question,
    camera: str,
    start: str,
    end: str,
    basis: str,
    recipient: str,
    urgent: bool,
    deadline: str,
    request_id: str,
    timezone: str,
) -> None:
    """Ask NODE for a clip and follow it until it is delivered to the node's upload address.

    Exit 0: delivered. 77: refused, or cancelled. 75: failed, or no last word in time (the node goes on; ask again with --id).
    """
    now_ns = now_utc_ns()
    first, last = (format_utc(moment) for moment in parse_range(start, end, now_ns, timezone))
    args: dict[str, object] = {"camera": camera, "start": first, "end": last, "basis": basis, "recipient": recipient}
    args |= {"urgent": urgent or None, "deadline": _deadline(deadline, now_ns, timezone)}
    ask_node(question, "clip", args, id=request_id, again=f"ask again with --id {{id}} --from {first} --to {last}")


def _deadline(text: str, now_ns: int, timezone: str) -> float | str:
    """Hours, or RFC 3339; "" for none."""
    try:
        return float(text)
    except ValueError:
        return format_utc(parse_time(text, now_ns, timezone)) if text else ""


@click.command(
    epilog=example(
        "edge centre hold pole-1 --camera cam0 --from 2026-11-22T14:05 --to 2026-11-22T14:20 \\",
        "    --operator a.nowak --case 'RSOW 12/26' --review-date 2027-02-01 --broker centre.toml --key centre/command.key",
    )
)
@question_options()
@click.option("--camera", required=True, metavar="ID")
@click.option("--from", "start", required=True, metavar="TIME")
@click.option("--to", "end", required=True, metavar="TIME", help="May lie ahead: the lock grows while it is recorded.")
@click.option("--review-date", "review", default="", metavar="DATE", help="When somebody must look whether it is still needed.")
@click.option("--timezone", default=ZONE, show_default=True, help="Of times without an offset.")
def hold(question: Question, camera: str, start: str, end: str, review: str, timezone: str) -> None:
    """Lock footage of NODE, so that it is not erased: an evidence hold, kept until it is released."""
    now_ns = now_utc_ns()
    first, last = (format_utc(parse_time(text, now_ns, timezone)) for text in (start, end))
    final, _ = ask_node(question, "hold", {"camera": camera, "start": first, "end": last, "review": review})
    _say(question, f"{final.id}: {final.text}\ngive it up: edge centre release {question.node} {final.id} --why ...")


@click.command(epilog=example("edge centre release pole-1 4711 --why 'case closed' --operator a.nowak --case 'RSOW 12/26'"))
@question_options()
@click.argument("lock")
@click.option("--why", required=True)
def release(question: Question, lock: str, why: str) -> None:
    """Give up an evidence hold of NODE."""
    final, _ = ask_node(question, "release", {"hold": lock, "why": why})
    _say(question, final.text)


@click.command(epilog=example("edge centre snapshot pole-1 now.jpg --camera cam0 --operator a.nowak --case patrol-7"))
@question_options()
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--camera", required=True, metavar="ID")
@click.option("--at", default="", metavar="TIME", help="Default: the newest picture.")
@click.option("--timezone", default=ZONE, show_default=True, help="Of times without an offset.")
def snapshot(question: Question, output: Path, camera: str, at: str, timezone: str) -> None:
    """Fetch one picture of NODE into OUTPUT (JPEG)."""
    if output.exists():
        raise UsageError(f"{output} exists already", remedy="name another file")
    moment = format_utc(parse_time(at, now_utc_ns(), timezone)) if at else ""
    final, picture = ask_node(question, "snapshot", {"camera": camera, "at": moment})
    if picture is None:
        raise TryAgain(f"{question.node} made the picture, but it was lost on the way", remedy="ask again")
    output.write_bytes(picture)
    _say(question, f"{output}: {len(picture):,} bytes, taken {final.data.get('utc', '?')}")


@click.command(epilog=example("edge centre ask pole-1 report month=2026-11 --operator a.nowak"))
@question_options(case_required=False)
@click.argument("verb")
@click.argument("args", nargs=-1, metavar="[NAME=VALUE]...")
def ask(question: Question, verb: str, args: tuple[str, ...]) -> None:
    """Send any command to NODE (report, clip ...) and show its answer.

    A VALUE that reads as JSON is sent as such: minutes=5 is a number, month=2026-11 text.
    """
    final, _ = ask_node(question, verb, dict(_named(each) for each in args))
    shown = msgspec.json.format(msgspec.json.encode(final.data)).decode() if final.data else ""
    _say(question, "\n".join(filter(None, (printable(final.text), shown))) or final.state)


@click.command(epilog=example("edge centre timeline pole-1 --camera cam0 --from -2h --operator a.nowak --case patrol-7"))
@question_options()
@click.option("--camera", required=True, metavar="ID")
@click.option("--from", "start", default="-1d", show_default=True, metavar="TIME")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME")
@click.option("--timezone", default=ZONE, show_default=True, help="Of times without an offset.")
def timeline(question: Question, camera: str, start: str, end: str, timezone: str) -> None:
    """Show what NODE recorded of a camera, what is missing and why, and motion; times in UTC."""
    first, last = (format_utc(each) for each in parse_range(start, end, now_utc_ns(), timezone))
    final, _ = ask_node(question, "timeline", {"camera": camera, "start": first, "end": last})
    _say(question, "\n".join(printable(line) for line in _timeline_lines(final.data)))


def _timeline_lines(data: Mapping[str, Any]) -> Iterator[str]:
    """In time order."""
    lines = [
        *((each["start"], f"{each['start']}  {each['end']}  recorded") for each in data.get("spans", [])),
        *((each["start"], f"{each['start']}  {each['end']}  MISSING: {each['reason']} {each['text']}") for each in data.get("gaps", [])),
        *((each["since"], f"{each['since']}  {each['until'] or 'now':24}  motion {each['score']:.2f}") for each in data.get("events", [])),
    ]
    yield from (line.rstrip() for _, line in sorted(lines))
    yield f"{data.get('covered_s', 0):,.0f} s recorded"
    for name, count in data.get("left_out", {}).items():
        yield f"{count} older {name} are not shown: ask for a shorter time"


def _named(text: str) -> tuple[str, object]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"{text!r} is no NAME=VALUE")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value


def _say(question: Question, text: str) -> None:
    if not question.as_json:
        click.echo(text)
