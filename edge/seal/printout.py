"""A verification as lines for people, in Polish or English: the verdict first. Plain text; nothing in it came unfiltered from the file."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator, Mapping

from edge.clock import parse_utc, utc_datetime
from edge.seal.print_words import AGREEMENTS, ASSURANCES, CLOCKS, GAP_REASONS, GAPS, LABELS, NOT_PROVEN
from edge.seal.verdict import printable
from edge.seal.verification import GapFound, Reason, Times, Verification
from edge.seal.words import MEANINGS, REASONS, VERDICTS, Language

MOST_GAPS = 20
_WIDTH = 20
_Table = Mapping[str, tuple[str, str]]
_Row = Callable[[str, str], str]
"""A line from its label (by name) and text."""


def verdict_text(found: Verification, language: Language) -> str:
    return VERDICTS[found.verdict] if language == "pl" else found.verdict


def reason_text(reason: Reason, language: Language) -> str:
    """What the reason says, with the file it speaks of where a package has several."""
    facts = {name: printable(value) if isinstance(value, str) else value for name, value in reason.facts.items()}
    text = _filled(_word(REASONS, reason.code, language), {**facts, "count": reason.count})
    return f"{reason.file}: {text}" if reason.file and reason.file not in text else text


def printout(found: Verification, language: Language) -> list[str]:
    """Lines without newlines."""
    return [*_head(found, language), "", *_facts(found, language), "", *_gaps(found, language), "", *_tail(found, language)]


def _head(found: Verification, language: Language) -> Iterator[str]:
    yield f"{verdict_text(found, language)}  {found.name}"
    yield MEANINGS[found.verdict][language == "pl"]
    reasons = [reason for reason in found.reasons if reason.effect != "note"]
    notes = [reason for reason in found.reasons if reason.effect == "note"]
    for name, some in (("reasons", reasons), ("notes", notes)):
        if some:
            yield ""
            yield f"{_word(LABELS, name, language)}:"
            yield from (f"  - {reason_text(reason, language)}" for reason in some)


def _facts(found: Verification, language: Language) -> Iterator[str]:
    def row(label: str, text: str) -> str:
        return f"{_word(LABELS, label, language) + ':':<{_WIDTH}} {text}"

    def word(name: str) -> str:
        return _word(LABELS, name, language)

    frames, counters = found.frames, found.counters
    yield from _signer(found, language, row)
    yield from _times(found.times, language, row)
    parts = [f"{frames.verified} {word('verified')}"]
    parts += [f"{getattr(frames, name)} {word(name)}" for name in ("by_package", "altered") if getattr(frames, name)]
    parts += [f"{frames.missing} {word('missing')}", f"{frames.unverifiable} {word('unverifiable')}"]
    yield row("pictures", f"{frames.total}: " + ", ".join(parts))
    if counters.first is not None:
        hole = word("contiguous" if counters.contiguous else "not_contiguous")
        yield row(
            "counters", f"{counters.first} - {counters.last}, {hole}" + (f", {counters.spans} {word('spans')}" * (counters.spans > 1))
        )
    for name in ("parameter_sets", "timing", "file_hash", "statement", "journal"):
        yield row(name, _word(AGREEMENTS, getattr(found.checks, name), language))
    yield from _request(found, language, row)


def _signer(found: Verification, language: Language, row: _Row) -> Iterator[str]:
    signer = found.signer
    if signer is None:
        yield row("signer", _word(LABELS, "none", language))
        return
    yield row("camera", " - ".join(filter(None, (signer.camera, signer.camera_name))) or _word(LABELS, "unknown", language))
    if signer.place:
        yield row("place", signer.place)
    yield row("signer", f"{signer.subject} ({_word(LABELS, 'trusted' if signer.trusted else 'untrusted', language)})")
    yield row(
        "key", f"{_word(ASSURANCES, signer.assurance, language)}; {_word(LABELS, 'certificate', language)} {grouped(signer.fingerprint)}"
    )
    if signer.manufacturer:
        yield row("maker", f"{signer.manufacturer}, {signer.firmware}")


def _times(times: Times, language: Language, row: _Row) -> Iterator[str]:
    yield row("first", _moment(times.first, times.zone) or _word(LABELS, "unknown", language))
    yield row("last", _moment(times.last, times.zone) or _word(LABELS, "unknown", language))
    error = "" if times.error_ms is None else f", {_word(LABELS, 'error', language)} {times.error_ms:.0f} ms"
    yield row("clock", _word(CLOCKS, times.clock, language) + error)


def _request(found: Verification, language: Language, row: _Row) -> Iterator[str]:
    request = found.request
    if request is None:
        return
    parts = [f"{_moment(request.start, found.times.zone)} - {_moment(request.end, found.times.zone)}"]
    for label, text in (("by", request.operator), ("case", request.case), ("basis", request.basis), ("recipient", request.recipient)):
        if text:
            parts.append(f"{_word(LABELS, label, language)} {printable(text)}")
    yield row("request", "; ".join(parts))
    yield row("made", _moment(found.made, found.times.zone) or printable(found.made))


def _gaps(found: Verification, language: Language) -> Iterator[str]:
    label = _word(LABELS, "gaps", language)
    if not found.gaps:
        yield f"{label}: {_word(LABELS, 'none', language)}"
        return
    yield f"{label}: {len(found.gaps)}"
    yield from (f"  - {_gap(gap, found, language)}" for gap in found.gaps[:MOST_GAPS])
    if len(found.gaps) > MOST_GAPS:
        yield "  - " + _filled(_word(LABELS, "more", language), {"count": len(found.gaps) - MOST_GAPS})


def _gap(gap: GapFound, found: Verification, language: Language) -> str:
    text = _filled(_word(GAPS, gap.why, language), {"gops": gap.gops, "pictures": gap.pictures, "file": printable(gap.file)})
    when = " - ".join(_moment(each, found.times.zone) or "?" for each in (gap.start, gap.end))
    why = _word(GAP_REASONS, gap.reason, language) if gap.reason else ""
    state = _word(LABELS, "explained" if gap.explained else "unexplained", language) if found.kind == "package" else ""
    return "; ".join(filter(None, (when, text, ": ".join(filter(None, (state, why))))))


def _tail(found: Verification, language: Language) -> Iterator[str]:
    yield f"{_word(LABELS, 'not_proven', language)}:"
    yield from (f"  - {_word(NOT_PROVEN, code, language)}" for code in found.not_proven)
    yield ""
    yield f"{_word(LABELS, 'hashes', language)}:"
    hashes = [(file.name, file.sha256) for file in found.files]
    hashes += [("clip.json", found.statement_sha256)] if found.statement_sha256 else []
    if found.signer is not None and found.signer.fingerprint:
        hashes.append((_word(LABELS, "certificate", language), found.signer.fingerprint))
    for name, digest in hashes:
        yield f"  {name}"
        half = len(digest) // 2
        yield from (f"    {grouped(part)}" for part in (digest[:half], digest[half:]))


def grouped(digest: str) -> str:
    """In groups of four, to be read out and typed."""
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def _moment(text: str, zone: str) -> str:
    """UTC and, where the zone is known, local time; "" of what is no time."""
    try:
        utc_ns = parse_utc(text)
        local = utc_datetime(utc_ns).astimezone(zoneinfo.ZoneInfo(zone))
    except (zoneinfo.ZoneInfoNotFoundError, OSError):
        return printable(text)
    except (ValueError, OverflowError):
        return ""
    return f"{printable(text)} ({local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {zone})"


def _word(table: _Table, name: str, language: Language) -> str:
    """The name itself where the table has none: a newer package's word."""
    words = table.get(name)
    return printable(name) if words is None else words[language == "pl"]


def _filled(text: str, facts: Mapping[str, object]) -> str:
    try:
        return text.format(**facts)
    except (KeyError, IndexError):
        return text
