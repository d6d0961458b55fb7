"""`edge`: the group, its lazily imported sub-commands, and the one door where errors become a line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

import edge
from edge.errors import ConfigError, EdgeError

COMMANDS = {
    "run": "Run everything this node needs: recorders, watcher, agent.",
    "record": "Record one camera.",
    "watch": "Find motion in the cameras' pictures.",
    "agent": "Keep the link: events, commands, clips, health.",
    "serve": "Hand out timelines, clips and snapshots over HTTPS.",
    "timeline": "Show what footage there is, what is missing and why.",
    "events": "Show motion as pictures on one sheet.",
    "clip": "Write footage of a camera as MP4 files.",
    "verify": "Say whether footage is authentic.",
    "jobs": "Show the clips that were asked for; call one off.",
    "hold": "Keep footage from being erased: evidence locks.",
    "key": "Make and show the key that signs footage.",
    "retention": "How long footage is kept: report, destruction protocol.",
    "ring": "Check the footage on disk.",
    "journal": "Show, export and check the journals.",
    "custody": "Show who saw, took, locked or destroyed footage.",
    "report": "Account for a month: availability, outages, clips.",
    "diag": "Show what a crew needs to know of a node in trouble.",
    "capture": "See what this board can record with.",
    "scene": "Accept a new view of a camera as its usual one.",
    "config": "Check and explain node.toml.",
    "decommission": "Wipe this node: keys, footage, configuration.",
    "centre": "The other end of the link: nodes, events, clips, uploads.",
    "demo": "Show the whole chain on this machine.",
}
"""Name -> short help. The command is `command` in edge.cli.<name>."""

EXTRAS = {
    "av": "node",
    "cv2": "node",
    "numpy": "node",
    "paho": "node",
    "jwt": "node",
    "starlette": "centre",
    "uvicorn": "centre",
}
"""Foreign package -> the extra of this distribution that brings it."""

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
"""As the shell reports SIGINT and SIGPIPE."""


class LazyGroup(click.Group):
    """Imports edge.cli.<name> when <name> is called, so that `edge record` carries only what recording needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"edge.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table: help must not import every command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, epilog="\b\nExample:\n  edge run --config node.toml", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(edge.__version__, prog_name="edge", message="%(prog)s %(version)s")
def command() -> None:
    """Edge video recorder: records cameras as evidence, tells the centre what happens, delivers clips on request.

    Exit codes: 0 done, 2 wrong words, 65 evidence does not add up, 74 disk, 75 try again, 77 refused, 78 configuration.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. Ends the process with the exit code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit code. Errors the product can name become one message on stderr; anything else is a bug and keeps its traceback."""
    try:
        result = _invoke(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except EdgeError as error:
        click.echo(f"edge: {error}", err=True)
        return error.exit_code
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        click.echo(f"edge: this command needs {error.name}, which is not installed - pip install 'edge-recorder[{extra}]'", err=True)
        return ConfigError.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left (`edge timeline | head`). Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    return result if isinstance(result, int) else 0


def _invoke(arguments: list[str]) -> object:
    """What the command returns. click's own main() would end the process itself on a broken pipe."""
    with command.make_context("edge", arguments) as context:
        return command.invoke(context)
