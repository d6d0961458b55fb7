"""`edge verify`: whether footage is authentic."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from edge.cli.options import example, json_option
from edge.cli.times import zone_of
from edge.errors import EdgeError, IntegrityError, UsageError
from edge.seal.containers import FILM_SUFFIXES
from edge.seal.printout import printout, verdict_text
from edge.seal.trust import Roots, read_roots
from edge.seal.verdict import SEVERITY
from edge.seal.verification import EXIT_CODES, Verification
from edge.seal.verify import DEFAULT_ZONE, is_package, verify
from edge.seal.words import LANGUAGES, Language

_MOST_FILES = 10_000
_WORST_FIRST = (EXIT_CODES["NOT AUTHENTIC"], IntegrityError.exit_code, *(EXIT_CODES[verdict] for verdict in reversed(SEVERITY[:-1])))


@click.command(
    epilog=example(
        "edge verify evidence/ --trust town-ca.pem --lang pl",
        "edge verify gate_20261122T130500.120Z.mp4 --trust town-ca.pem",
    )
)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--trust", type=click.Path(path_type=Path), metavar="PEM", help="Authorities to trust. Without: who signed is not checked.")
@click.option("--lang", "language", type=click.Choice(LANGUAGES), help="Default: pl where the session is Polish, else en.")
@click.option("--zone", default=DEFAULT_ZONE, show_default=True, help="For local times of films; a package states its own.")
@json_option
def command(paths: tuple[Path, ...], trust: Path | None, language: Language | None, zone: str, as_json: bool) -> int:
    """Say whether footage is authentic. Needs no network, no camera and no configuration.

    PATH is a film (a segment, a clip, a cut of one; MP4, Matroska or raw H.264 or H.265), the folder of a clip package, or its clip.json.
    Of several, and of a folder of films, one line each is printed and the worst exit code counts.

    \b
    AUTHENTIC 0            every picture is as the camera signed it
    AUTHENTIC WITH GAPS 2  so is every picture that is here; some are missing
    PARTLY VERIFIED 3      nothing contradicts a signature; not all is covered
    NOT AUTHENTIC 4        what is here is not what was signed
    UNSIGNED 5             there is no signature

    What cannot be read at all is an error: exit code 65; 2 where there is no such file.
    """
    spoken = language or _session_language()
    zone_of(zone)
    roots = read_roots(trust) if trust is not None else None
    films = list(_expanded(paths))
    if len(films) == 1 and films == list(paths):
        return _one(films[0], roots, spoken, zone, as_json=as_json)
    return _several(films, roots, spoken, zone, as_json=as_json)


def _one(path: Path, roots: Roots | None, language: Language, zone: str, *, as_json: bool) -> int:
    found = verify(path, roots, zone=zone)
    click.echo(msgspec.json.format(msgspec.json.encode(found)) if as_json else "\n".join(printout(found, language)))
    return found.exit_code


def _several(paths: Sequence[Path], roots: Roots | None, language: Language, zone: str, *, as_json: bool) -> int:
    codes = set()
    for path in paths:
        try:
            found = verify(path, roots, zone=zone)
        except EdgeError as error:
            click.echo(f"edge: {error}", err=True)
            codes.add(IntegrityError.exit_code)
            continue
        codes.add(found.exit_code)
        click.echo(msgspec.json.encode(found) if as_json else _line(path, found, language))
    return next(code for code in _WORST_FIRST if code in codes)


def _line(path: Path, found: Verification, language: Language) -> str:
    frames = found.frames
    return f"{verdict_text(found, language):<24} {frames.verified + frames.by_package}/{frames.total - frames.closing}  {path}"


def _expanded(paths: Sequence[Path]) -> Iterator[Path]:
    """Folders that are no packages: the films in them, in order of their names."""
    for path in paths:
        if not path.is_dir() or is_package(path):
            yield path
            continue
        films = sorted(each for each in path.rglob("*") if each.suffix.lower() in FILM_SUFFIXES and each.is_file())
        if not films:
            raise UsageError(f"{path}: neither a clip package nor any film in it")
        if len(films) > _MOST_FILES:
            raise UsageError(f"{path}: more than {_MOST_FILES} films", remedy="name folders below it")
        yield from films


def _session_language() -> Language:
    words = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "pl" if next(filter(None, words), "").startswith("pl") else "en"
