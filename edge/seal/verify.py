"""The verifier's door: a file or a clip package in, one verdict and its reasons out. Offline; believes nothing that it reads."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.errors import UsageError
from edge.messages.package import STATEMENT_NAME
from edge.seal.container import open_bytes
from edge.seal.containers import open_film
from edge.seal.package import PackageFile, PackageReport, read_package
from edge.seal.stream import StreamReport, read_stream
from edge.seal.trust import Roots
from edge.seal.verdict import (
    checks_of,
    counters_of,
    frames_of,
    gap_of,
    not_proven_of,
    printable,
    reasons_of,
    signer_of,
    times_of,
    verdict_of,
)
from edge.seal.verification import (
    EXIT_CODES,
    Agreement,
    Checks,
    Counters,
    FileFound,
    Frames,
    Reason,
    SignedBy,
    Times,
    Verification,
)

DEFAULT_ZONE = "Europe/Warsaw"


def is_package(path: Path) -> bool:
    """A folder with clip.json in it, or that clip.json itself."""
    return (path / STATEMENT_NAME).is_file() if path.is_dir() else path.name == STATEMENT_NAME


def verify(path: Path, roots: Roots | None, *, zone: str = DEFAULT_ZONE) -> Verification:
    """path: a film, a package's folder, or its clip.json. roots: authorities the reader trusts; None: nobody's identity is judged. zone:
    for local times where no package states one.

    Raises UsageError where there is no such file, IntegrityError where it is none of these or cannot be read, StorageError.
    """
    if is_package(path):
        return _package(path if path.is_dir() else path.parent, roots)
    if path.is_dir():
        raise UsageError(f"{path} is a folder without {STATEMENT_NAME}", remedy="name a film, or the folder of a clip package")
    return _film(path, roots, zone)


def _film(path: Path, roots: Roots | None, zone: str) -> Verification:
    with open_bytes(path) as source:
        report = read_stream(source.name, open_film(source), roots)
        size, digest = source.size, source.sha256()
    findings = report.findings
    if (path.parent / STATEMENT_NAME).is_file():
        findings.add("note", "package_beside", name=STATEMENT_NAME)
    if not report.signed:
        findings.add("unverifiable", "unsigned")
    reasons, gaps = reasons_of(findings), [gap_of(gap) for gap in report.order.gaps]
    verdict = verdict_of(reasons, gaps, signed=report.signed)
    found = _file_found(path.name, size, digest, report, frames_of(report), checks_of(report), zone)
    return Verification(
        kind="file",
        name=printable(path.name),
        verdict=verdict,
        exit_code=EXIT_CODES[verdict],
        reasons=reasons,
        gaps=gaps,
        frames=found.frames,
        signer=signer_of(report),
        times=found.times,
        counters=found.counters,
        checks=found.checks,
        files=[found],
        not_proven=not_proven_of(report, package=False),
    )


def _package(folder: Path, roots: Roots | None) -> Verification:
    package = read_package(folder, roots)
    statement = package.signed.statement
    reasons = reasons_of(package.findings)
    for file in package.files:
        reasons += reasons_of(file.findings, printable(file.named.name))
    signed = package.signed.chain is not None or any(file.report is not None and file.report.signed for file in package.files)
    if not signed:
        reasons.append(Reason(effect="unverifiable", code="unsigned", count=1, facts={}))
    verdict = verdict_of(reasons, package.gaps, signed=signed)
    files = [_package_file(file, statement.timezone) for file in package.files]
    reports = [file.report for file in package.files if file.report is not None]
    clock = min((file.clock for file in statement.files), key=_clock_rank, default=statement.clock)
    return Verification(
        kind="package",
        name=printable(folder.resolve().name),
        verdict=verdict,
        exit_code=EXIT_CODES[verdict],
        reasons=sorted(reasons, key=lambda reason: ("contradicts", "unverifiable", "gap", "note").index(reason.effect)),
        gaps=package.gaps,
        frames=_sum([file.frames for file in files]),
        signer=_signer(package, reports),
        times=_times(files, Times(clock=printable(clock), error_ms=statement.clock_error_ms, zone=statement.timezone)),
        counters=_counters(files),
        checks=_checks(package, files),
        files=files,
        not_proven=_not_proven(reports),
        request=statement.request,
        made=statement.made,
        statement_sha256=package.signed.sha256,
    )


def _file_found(name: str, size: int, digest: str, report: StreamReport, frames: Frames, checks: Checks, zone: str) -> FileFound:
    return FileFound(
        name=printable(name),
        bytes=size,
        sha256=digest,
        container=report.container,
        codec=report.codec,
        frames=frames,
        times=times_of(report, zone),
        counters=counters_of(report),
        checks=checks,
    )


def _package_file(file: PackageFile, zone: str) -> FileFound:
    same: Agreement = "match" if file.same else "differs"
    if file.report is None:
        nothing = (Frames(), Times(), Counters(), Checks(file_hash=same))
        frames, times, counters, checks = nothing
        return FileFound(
            name=printable(file.named.name),
            bytes=file.bytes,
            sha256=file.sha256,
            container="",
            codec="",
            frames=frames,
            times=times,
            counters=counters,
            checks=checks,
        )
    checks = msgspec.structs.replace(checks_of(file.report), file_hash=same)
    frames = frames_of(file.report, file.by_package)
    return _file_found(file.named.name, file.bytes, file.sha256, file.report, frames, checks, zone)


def _signer(package: PackageReport, reports: list[StreamReport]) -> SignedBy | None:
    """By the statement, completed by what the first film says."""
    signed, statement = package.signed, package.signed.statement
    chain = signed.chain
    film = next((found for found in map(signer_of, reports) if found is not None), None)
    return SignedBy(
        camera=printable(f"{statement.node}/{statement.camera}"),
        camera_name=printable(statement.camera_name),
        place=printable(statement.place),
        manufacturer=film.manufacturer if film else "",
        firmware=film.firmware if film else "",
        subject=chain.subject if chain else "",
        fingerprint=chain.fingerprint if chain else "",
        other_fingerprints=[film.fingerprint] if film and chain and film.fingerprint not in ("", chain.fingerprint) else [],
        assurance=printable(statement.assurance),
        trusted=signed.trusted,
        why=chain.why if chain else "",
        not_before=chain.not_before if chain else "",
        not_after=chain.not_after if chain else "",
    )


def _sum(frames: list[Frames]) -> Frames:
    return Frames(**{name: sum(getattr(each, name) for each in frames) for name in Frames.__struct_fields__})


def _times(files: list[FileFound], stated: Times) -> Times:
    firsts, lasts = [file.times.first for file in files if file.times.first], [file.times.last for file in files if file.times.last]
    return msgspec.structs.replace(stated, first=min(firsts, default=""), last=max(lasts, default=""))


def _counters(files: list[FileFound]) -> Counters:
    if len(files) == 1:
        return files[0].counters
    return Counters(contiguous=all(file.counters.contiguous for file in files), spans=sum(file.counters.spans for file in files))


_AGREEMENTS: tuple[Agreement, ...] = ("differs", "not_checked", "not_signed", "match")


def _checks(package: PackageReport, files: list[FileFound]) -> Checks:
    """The worst of the files."""

    def worst(of: list[Agreement]) -> Agreement:
        return min(of, key=_AGREEMENTS.index, default="not_checked")

    chain = package.signed.chain
    return Checks(
        parameter_sets=worst([file.checks.parameter_sets for file in files]),
        timing=worst([file.checks.timing for file in files]),
        file_hash=worst([file.checks.file_hash for file in files]),
        statement="not_signed" if chain is None else "match" if package.signed.sound else "differs",
        journal=package.journal.agreement,
    )


def _not_proven(reports: list[StreamReport]) -> list[str]:
    found = [code for report in reports for code in not_proven_of(report, package=True)]
    return list(dict.fromkeys(found)) or ["scene", "revocation"]


def _clock_rank(clock: str) -> int:
    """The least believable first."""
    ranks = ("untrusted", "holdover", "trusted")
    return ranks.index(clock) if clock in ranks else 0
