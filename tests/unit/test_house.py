"""The rules of the house, run over the whole tree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TREES = ("edge", "tests", "bench", "docs")
MAX_LINES = 300
MAX_TEST_LINES = 600
"""Stories told side by side are easier to read in one file than torn apart."""
LONGER: dict[str, str] = {}
"""File -> why it has more than 300 lines."""
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc", "base", "core", "tools"}

BASE_MODULES = (
    "edge.cli.main",
    "edge.cli.options",
    "edge.cli.config",
    "edge.cli.verify",
    "edge.config.read",
    "edge.config.lastgood",
    "edge.config.explain",
    "edge.config.schema",
    "edge.ring.layout",
    "edge.ring.query",
    "edge.ring.check",
    "edge.ring.hold",
    "edge.cli.report",
    "edge.cli.custody",
    "edge.cli.decommission",
    "edge.audit.month_page",
    "edge.audit.custody_page",
    "edge.wipe.node",
    "edge.clip.plan",
    "edge.clip.virtual",
    "edge.clip.package",
    "edge.capture.stills",
    "edge.cli.clip_package",
    "edge.services.run",
    "edge.cli.key",
    "edge.centre.authority",
    "edge.seal.catalog",
    "edge.seal.jws",
    "edge.seal.trust",
    "edge.seal.verify",
    "edge.seal.printout",
)
RECORDER_MODULES = ("edge.cli.main", "edge.cli.record", "edge.services.recorder")
HEAVY = ("av", "cv2", "numpy", "paho", "rich", "cryptography", "jwt", "starlette", "uvicorn")


def python_files() -> Iterator[Path]:
    for tree in TREES:
        yield from sorted((ROOT / tree).rglob("*.py"))


def run(*words: str) -> str:
    """Output of a tool of this Python's environment; empty when it is content."""
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=600)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_ruff_is_content() -> None:
    assert run("ruff", "check", "--no-cache", *TREES) == ""


def test_the_formatting_is_ruffs() -> None:
    assert run("ruff", "format", "--check", "--no-cache", *TREES) == ""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mypy_is_content() -> None:
    assert run("mypy", "--strict", "edge", "tests", "bench") == ""


def test_imports_only_point_down() -> None:
    script = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_short() -> None:
    long = {}
    for path in python_files():
        lines = len(path.read_text("utf-8").splitlines())
        if lines > (MAX_TEST_LINES if path.relative_to(ROOT).parts[0] == "tests" else MAX_LINES):
            long[str(path.relative_to(ROOT))] = lines
    assert {name: lines for name, lines in long.items() if name not in LONGER} == {}
    assert set(LONGER) <= set(long), "no reason is needed any more"


def test_names_say_something() -> None:
    parts = {part for path in python_files() for part in (*path.relative_to(ROOT).parent.parts, path.stem.removeprefix("test_"))}
    assert parts & EMPTY_NAMES == set()


def test_the_recorder_carries_nothing_heavy() -> None:
    assert loaded_by(RECORDER_MODULES, HEAVY) == []


@pytest.mark.parametrize("module", BASE_MODULES)
def test_the_base_install_is_enough(module: str) -> None:
    """What a node or a desk without any extra has: msgspec, click, rich, cryptography."""
    assert loaded_by((module,), ("av", "cv2", "numpy", "paho", "jwt", "starlette", "uvicorn", "gi", "picamera2")) == []


def loaded_by(modules: tuple[str, ...], unwanted: tuple[str, ...]) -> list[str]:
    """Those of `unwanted` that importing `modules` in a fresh process brings along."""
    script = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(' '.join(sorted({{name.split('.')[0] for name in sys.modules}} & set({unwanted!r}))))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
