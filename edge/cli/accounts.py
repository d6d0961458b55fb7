"""What the commands that print accounts share: language, output, who the node is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edge.errors import UsageError
from edge.host.linux_disk import LinuxDisk

_F = TypeVar("_F", bound=Callable[..., Any])


def language_option(function: _F) -> _F:
    """--lang pl|en, passed on as `language`."""
    choices = click.Choice(["pl", "en"])
    return click.option("--lang", "language", type=choices, default="pl", show_default=True, help="Of the page.")(function)


def output_option(function: _F) -> _F:
    """-o, passed on as `output`."""
    text = "A folder that exists (page and JSON go there), or a file .html or .json. Existing files are replaced."
    return click.option("-o", "--output", type=click.Path(path_type=Path), metavar="PATH", help=text)(function)


def write_account(output: Path, stem: str, language: str, document: bytes, page: Callable[[], str]) -> list[Path]:
    """The files written. `page` is called where HTML is wanted. Raises UsageError for a name of another kind, StorageError."""
    if output.is_dir():
        paths = [output / f"{stem}.{language}.html", output / f"{stem}.json"]
    elif output.suffix in (".html", ".json"):
        paths = [output.absolute()]
    else:
        raise UsageError(f"{output} is no folder, and no file .html or .json", remedy="make the folder, or name a file")
    disk = LinuxDisk()
    for path in paths:
        if not path.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {path.absolute().parent}", remedy="make it, or name another file with -o")
        disk.replace(path.absolute(), document if path.suffix == ".json" else page().encode())
    return paths
