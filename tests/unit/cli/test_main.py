from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import edge
from edge.cli import main
from edge.errors import ConfigError, EdgeError, IntegrityError, NotFound, Refused, StorageError, TryAgain, UsageError
from tests.support.command import edge as run_edge
from tests.support.command import environment


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and sub-command."""
    context = click.Context(main.command)
    for name in main.command.list_commands(context):
        command = main.command.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            for word in command.list_commands(context):
                child = command.get_command(context, word)
                assert child is not None
                yield f"{name} {word}", child


def test_every_command_says_what_it_does_with_an_example() -> None:
    found = dict(commands())
    assert set(main.COMMANDS) <= set(found)
    for name, command in found.items():
        text = command.get_help(click.Context(command, info_name=f"edge {name}"))
        assert f"Example:\n  edge {name.split()[0]}" in text.replace("    ", "  "), name
        assert command.help, name


def test_help_lists_commands_without_importing_them() -> None:
    script = (
        "import sys, edge.cli.main as m\n"
        "assert m.run(['--help']) == 0\n"
        "print([name for name in sys.modules if name.startswith('edge.cli.')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "['edge.cli.main']"
    assert all(name in done.stdout for name in main.COMMANDS)


def test_the_version_is_the_products() -> None:
    assert run_edge("--version").out == f"edge {edge.__version__}\n"


@pytest.mark.parametrize("words", [["nonsense"], ["config", "nonsense"], ["config", "check", "--nonsense"], ["record", "--camera"]])
def test_wrong_words_end_with_2(words: list[str]) -> None:
    outcome = run_edge(*words)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err


ERRORS: list[tuple[EdgeError, int]] = [
    (UsageError("u"), 2),
    (ConfigError("c"), 78),
    (TryAgain("t"), 75),
    (StorageError("s"), 74),
    (NotFound("n"), 74),
    (Refused("code", "r"), 77),
    (IntegrityError("i"), 65),
    (EdgeError("e"), 1),
]


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_is_one_line_and_an_exit_code(
    error: EdgeError, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run_raising(error, monkeypatch) == code
    assert capsys.readouterr().err == f"edge: {error}\n"


def test_every_kind_of_error_has_its_exit_code_in_the_help() -> None:
    text = run_edge("--help").out
    assert all(str(kind.exit_code) in text for kind in (UsageError, ConfigError, TryAgain, StorageError, Refused, IntegrityError))


def test_a_remedy_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _run_raising(ConfigError("no key", remedy="make one"), monkeypatch)
    assert capsys.readouterr().err == "edge: no key - make one\n"


def test_a_missing_extra_is_told_with_what_to_install(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run_raising(ModuleNotFoundError("No module named 'paho'", name="paho.mqtt"), monkeypatch) == 78
    assert "pip install 'edge-recorder[node]'" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModuleNotFoundError):
        _run_raising(ModuleNotFoundError("No module named 'edge.typo'", name="edge.typo"), monkeypatch)
    with pytest.raises(ZeroDivisionError):
        _run_raising(ZeroDivisionError(), monkeypatch)


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run_raising(KeyboardInterrupt(), monkeypatch) == 130


def _run_raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def fail() -> None:
        raise error

    monkeypatch.setattr(main.LazyGroup, "get_command", lambda self, ctx, name: click.Command(name, callback=fail))
    return main.run(["failing"])


def test_a_reader_that_leaves_early_gets_no_complaint(tmp_path: Path) -> None:
    """The schema is larger than a pipe holds with its reader gone at once."""
    process = subprocess.Popen(
        [sys.executable, "-m", "edge", "config", "schema"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(30) == 141
