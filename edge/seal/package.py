"""A clip package: the statement, its files and the journal lines in it, judged together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edge.clock import format_utc, parse_utc
from edge.errors import EdgeError, IntegrityError
from edge.messages.clip import ClipFile
from edge.messages.package import REPORT_NAMES, SIGNATURE_NAME, STATEMENT_NAME
from edge.seal.container import FileBytes, open_bytes
from edge.seal.containers import FILM_SUFFIXES, begins_as_film, open_film
from edge.seal.findings import Findings
from edge.seal.package_gaps import declared_gaps, explained, undeclared_gaps
from edge.seal.package_journal import Journal, check_file, read_journal
from edge.seal.package_statement import SignedStatement, plain_name, read_statement, unnamed_files
from edge.seal.signatures import names_node
from edge.seal.stream import StreamReport, read_stream
from edge.seal.trust import ChainResult, Roots
from edge.seal.verdict import gap_of
from edge.seal.verification import GapFound

_PARTS = frozenset((STATEMENT_NAME, SIGNATURE_NAME, *REPORT_NAMES.values()))
_PROVEN_BY_HASH = frozenset(
    (
        "pictures_unverifiable",
        "last_picture_uncovered",
        "document_without_gop",
        "second_video_track",
        "several_descriptions",
        "ambiguous_tables",
        "parameter_sets_differ",
        "parameter_sets_absent",
        "hidden_start_code",
        "damaged_bytes",
        "torn_end",
        "pictures_behind_end",
        "span_order_unknown",
        "playback_speed",
        "shown_out_of_place",
        "nothing_verified",
    )
)
"""What a file may have that no signature in the stream speaks for, and that is as it left the node where the file's hash is signed."""
_COUNTED_AS_BY_PACKAGE = ("pictures_unverifiable", "last_picture_uncovered")


@dataclass(slots=True)
class PackageFile:
    """by_package: pictures that only the file's signed hash speaks for. report: None where the file does not read as a film."""

    named: ClipFile
    bytes: int
    sha256: str
    same: bool
    by_package: int
    report: StreamReport | None
    findings: Findings


@dataclass(slots=True)
class PackageReport:
    signed: SignedStatement
    files: list[PackageFile] = field(default_factory=list)
    journal: Journal = field(default_factory=Journal)
    gaps: list[GapFound] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)


def read_package(folder: Path, roots: Roots | None) -> PackageReport:
    """folder: with clip.json in it. Raises IntegrityError where that does not read, StorageError."""
    findings = Findings()
    signed = read_statement(folder, roots, findings)
    statement = signed.statement
    package = PackageReport(signed, findings=findings)
    if roots is None:
        findings.add("unverifiable", "no_trust")
    for named in statement.files:
        if not plain_name(named.name):
            findings.add("contradicts", "file_name_leads_away", name=named.name[:100])
        elif not (folder / named.name).is_file():
            package.gaps.append(_absent(named))
        else:
            package.files.append(_file(signed, named, roots))
    keys = _keys(package)
    package.journal = read_journal(statement, keys, findings)
    for file in package.files:
        check_file(file.named, package.journal, file.report.parameters if file.report else [], findings)
        if file.report is not None:
            package.gaps += [explained(gap, statement) for gap in stream_gaps(file)]
    package.gaps += [*declared_gaps(statement), *undeclared_gaps(statement)]
    for path in unnamed_files(folder, {each.name: None for each in statement.files}, _PARTS):
        if _is_film(path):
            findings.add("unverifiable", "films_not_named", name=path.name[:255])
        else:
            findings.add("note", "files_not_named", name=path.name[:255])
    return package


def _is_film(path: Path) -> bool:
    """By its name or its beginning: whether somebody who opens the folder may take it for one of the package's films."""
    if path.suffix.lower() in FILM_SUFFIXES:
        return True
    try:
        with open_bytes(path) as source:
            return begins_as_film(source.read(0, 12))
    except EdgeError:
        return False


def stream_gaps(file: PackageFile) -> list[GapFound]:
    return [gap_of(gap, file.named.name) for gap in file.report.order.gaps] if file.report else []


def _file(signed: SignedStatement, named: ClipFile, roots: Roots | None) -> PackageFile:
    with open_bytes(signed.folder / named.name) as source:
        digest = source.sha256()
        same = (source.size, digest) == (named.bytes, named.sha256)
        findings = Findings()
        if not same:
            findings.add("contradicts", "file_differs", name=named.name)
        report = _report(source, roots, findings)
        found = PackageFile(named, source.size, digest, same, 0, report, findings)
    if report is not None:
        _judge(found, signed, report)
    return found


def _report(source: FileBytes, roots: Roots | None, findings: Findings) -> StreamReport | None:
    try:
        return read_stream(source.name, open_film(source), roots)
    except IntegrityError as error:
        findings.add("contradicts", "file_unreadable", name=source.name, why=error.message)
        return None


def _judge(file: PackageFile, signed: SignedStatement, report: StreamReport) -> None:
    """Where the statement signs the file's hash, what the stream leaves open is proven by that."""
    statement = signed.statement
    serial = report.document.serial if report.document else ""
    if serial and serial != f"{statement.node}/{statement.camera}":
        file.findings.add("contradicts", "file_of_other_camera", name=file.named.name, serial=serial)
    if serial and report.chain is not None and signed.trusted and not names_node(report.chain.subject, statement.node):
        file.findings.add("contradicts", "certificate_of_other_node", subject=report.chain.subject)
    whole = file.same and signed.sound
    if whole:
        file.by_package = report.pictures.unverifiable + report.pictures.closing
    if not report.signed and whole:
        file.findings.add("note", "stream_unsigned", name=file.named.name)
    for each in report.findings.found.values():
        if each.code == "no_trust" or (whole and each.code in _COUNTED_AS_BY_PACKAGE):
            continue
        proven = whole and each.code in _PROVEN_BY_HASH
        file.findings.add("note" if proven else each.effect, each.code, each.count, **each.facts)


def _absent(named: ClipFile) -> GapFound:
    try:
        start, end = (format_utc(parse_utc(text)) for text in (named.delivered_start, named.delivered_end))
    except (ValueError, OverflowError):
        start = end = ""
    return GapFound(why="file_missing", start=start, end=end, pictures=named.frames, file=named.name[:255])


def _keys(package: PackageReport) -> dict[str, ChainResult]:
    """Certificates with good signatures in this package."""
    keys: dict[str, ChainResult] = {}
    for file in package.files:
        if file.report is not None:
            keys |= file.report.certificates
    chain = package.signed.chain
    if chain is not None and package.signed.sound:
        keys[chain.fingerprint] = chain
    return keys
