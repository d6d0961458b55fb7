"""`edge centre config|restart|diag|identify`: looking after nodes from afar."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import click
import msgspec

from edge.cli.centre_ask import STATUS_S, Question, ask_node, question_options
from edge.cli.centre_link import broker_option, looking_centre
from edge.cli.diag import page
from edge.cli.journal import printable
from edge.cli.options import example, json_option
from edge.errors import Refused, TryAgain, UsageError
from edge.messages.config import CONFIRM_MAX_S, CONFIRM_MIN_S, CONFIRM_S, TOML_MAX_BYTES
from edge.messages.diag import Diagnosis

_BEFORE = re.compile(r"# in force on \S+: sha256 ([0-9a-f]{64})\n")
_MORE_S = 60.0


@click.command(
    epilog=example(
        "edge centre config pole-1 show --operator a.nowak > pole-1.toml",
        "edge centre config pole-1 apply pole-1.toml --operator a.nowak --case tuning",
    )
)
@question_options(case_required=False)
@click.argument("do", type=click.Choice(["show", "check", "apply"]))
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--before", default="", metavar="SHA256", help="Of the configuration in force; default: as the first line of FILE says.")
@click.option(
    "--confirm",
    "confirm_s",
    type=click.IntRange(CONFIRM_MIN_S, CONFIRM_MAX_S),
    default=CONFIRM_S,
    show_default=True,
    help="Seconds the node has to be connected under it; else it goes back by itself.",
)
@click.option("--version", type=click.IntRange(1), help="Leave it at the broker, for a node that is away; above all versions before.")
def config(question: Question, do: str, file: Path | None, before: str, confirm_s: int, version: int | None) -> None:
    """Show the configuration of NODE, check FILE against it, or put FILE in force until it proves itself.

    What may be changed from afar: motion, zones and sensitivity, camera names, upload rate, health, longer retention. Comments are lost.
    Exit 0: done. 77: refused. 75: taken back, or no last word in time.
    """
    if do == "show":
        final, _ = ask_node(question, "config", {"do": "show"})
        if not question.as_json:
            click.echo(f"# in force on {question.node}: sha256 {final.data.get('sha256', '?')}")
            click.echo("\n".join(printable(line) for line in str(final.data.get("toml", "")).splitlines()))
        return
    text, told = _read(file)
    if do == "check":
        _check(question, text)
    elif version is not None:
        _desire(question, text, version, before or told, confirm_s)
    elif not (before or told):
        raise UsageError("which configuration does it replace?", remedy="--before SHA256, or a file made by `config NODE show`")
    else:
        args = {"do": "apply", "toml": text, "sha256_before": before or told, "confirm_s": confirm_s}
        patient = replace(question, wait_s=max(question.wait_s, confirm_s + _MORE_S))
        final, _ = ask_node(patient, "config", args)
        _say(question, final.text)


def _read(file: Path | None) -> tuple[str, str]:
    """The document, without the line that `show` put before it, and the hash in that line."""
    if file is None:
        raise UsageError("which FILE?", remedy="edge centre config NODE check FILE")
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error
    if len(text) > TOML_MAX_BYTES:
        raise UsageError(f"{file}: is larger than {TOML_MAX_BYTES} bytes")
    first = _BEFORE.match(text)
    return (text[first.end() :], first.group(1)) if first else (text, "")


def _check(question: Question, text: str) -> None:
    final, _ = ask_node(question, "config", {"do": "check", "toml": text})
    problems = final.data.get("problems", [])
    _say(question, f"changes: {', '.join(final.data.get('changed', [])) or 'none'}")
    _say(question, f"starts anew: {', '.join(final.data.get('restarts', [])) or 'nothing'}")
    for each in problems:
        _say(question, f"  {each['path']}: {each['text']}")
    if problems:
        raise Refused("bad_config", f"{question.node} would refuse it: {len(problems)} errors")


def _desire(question: Question, text: str, version: int, before: str, confirm_s: int) -> None:
    with looking_centre(question.broker, question.key) as centre:
        who, case = question.operator, question.case
        handle = centre.desire(question.node, text, version, operator=who, case=case, sha256_before=before, confirm_s=confirm_s)
        centre.wait_node(question.node, STATUS_S)
        reported = centre.wait_config(question.node, version, max(question.wait_s, confirm_s + _MORE_S))
    if handle.delivery is None or handle.delivery >= 0x80:
        raise TryAgain("the broker did not take it")
    if reported is None or reported.version < version:
        raise TryAgain(f"version {version} waits at the broker", remedy=f"{question.node} takes it up when it comes back")
    if question.as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(reported)))
    _say(question, f"version {version}: {reported.state}")
    if reported.state != "in_force":
        raise TryAgain(printable("; ".join(f"{each.path} {each.text}".strip() for each in reported.problems)) or reported.state)


@click.command(epilog=example("edge centre restart pole-1 recorder:cam0 --operator a.nowak"))
@question_options(case_required=False, wait_s=90.0)
@click.argument("what", metavar="recorder:CAMERA|watcher|agent|node")
def restart(question: Question, what: str) -> None:
    """End a process of NODE in order and start it anew. Not twice within a minute, six times an hour in all."""
    final, _ = ask_node(question, "restart", {"what": what})
    _say(question, final.text)


@click.command(epilog=example("edge centre diag pole-1 --operator a.nowak"))
@question_options(case_required=False)
def diag(question: Question) -> None:
    """Show what a crew needs to know of NODE in trouble, as `edge diag` there does."""
    final, _ = ask_node(question, "diag", {})
    try:
        found = msgspec.convert(final.data, Diagnosis)
    except msgspec.ValidationError as error:
        raise TryAgain(f"the answer of {question.node} does not read: {error}", remedy="look at it with --json") from error
    for line in page(found):
        _say(question, printable(line))


@click.command(epilog=example("edge centre identify --operator a.nowak --wait 8"))
@broker_option
@click.option("--operator", required=True, help="Who asks.")
@json_option
@click.option("--key", type=click.Path(path_type=Path), default=Path("command.key"), show_default=True, help="Made by `edge centre keys`.")
@click.option("--wait", "wait_s", type=click.FloatRange(0, 600), default=8.0, show_default=True, help="Seconds to listen.")
def identify(broker: Path, operator: str, as_json: bool, key: Path, wait_s: float) -> None:
    """Ask all nodes at once who they are; those that are there answer within some seconds."""
    from edge.cli.options import stop_on_signals

    with looking_centre(broker, key) as centre:
        handle = centre.ask_all("identify", {}, operator=operator)
        stop_on_signals().wait(wait_s)
        found = handle.finals
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    for node, answer in found.items():
        info = answer.data
        cameras = ", ".join(str(camera.get("id")) for camera in info.get("cameras", []) if isinstance(camera, dict))
        state = f"{info.get('version', '?')}  {info.get('place', '')}  cameras {cameras}" if answer.state == "done" else answer.code
        click.echo(printable(f"{node}  {state}"))
    click.echo(f"{len(found)} nodes answered within {wait_s:g} s")


def _say(question: Question, text: str) -> None:
    if not question.as_json:
        click.echo(text)
