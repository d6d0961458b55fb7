"""What a terminal shows while a clip is made. Nothing where stderr is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

QUIET_BYTES = 16 << 20
"""Below this no bar is shown."""


@contextmanager
def busy(text: str) -> Iterator[None]:
    """A spinner for what takes a while and cannot be measured."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(text):
        yield


@contextmanager
def progress(total_bytes: int) -> Iterator[Callable[[int], None]]:
    """A bar; what it yields is called with the bytes written since the last call."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if total_bytes < QUIET_BYTES or not console.is_terminal:
        yield lambda written: None
        return
    columns = (TextColumn("writing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("writing", total=total_bytes)
        yield lambda written: bar.advance(task, written)
