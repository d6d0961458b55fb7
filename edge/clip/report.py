"""report.<language>.html: what the node states about a clip, for people and for paper, and the hand-over record. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge.clip.report_words import WORDS, Words
from edge.clip.sheet import Sheet, Still
from edge.clip.signing import NO_SEAL
from edge.clock import parse_utc
from edge.messages.clip import ClipFile
from edge.messages.package import STATEMENT_NAME, Statement
from edge.messages.records import Segment
from edge.paper import forms
from edge.paper.page import Html, Language, element, facts, join, jpeg, page, stacked, table
from edge.paper.words import CLOCKS, REASONS


def report(
    statement: Statement, sha256: str, unsigned: str, segments: Sequence[Segment], sheet: Sheet, language: Language, names: Sequence[str]
) -> str:
    """The whole file. sha256: of clip.json. unsigned: why it has no signature, "" where it has one. segments: the records of the footage.
    names: of all files of the package."""
    paper = _Paper(statement, language)
    words = paper.words
    return page(
        f"{words.title}: {statement.camera}, {statement.request.case}",
        language,
        element("h1", words.title),
        element("p", words.neutral.format(statement=STATEMENT_NAME), class_="quiet"),
        element(
            "div",
            paper.what(segments),
            element("h2", words.files),
            *(paper.file(each) for each in statement.files),
            *paper.gaps(),
            element("div", element("h2", words.sheet), paper.sheet(sheet), class_="whole"),
            class_="dense",
        ),
        element("div", element("h2", words.verify), paper.verify(sha256, unsigned), class_="new-page"),
        element("div", paper.handover(names), class_="whole"),
    )


class _Paper:
    """The parts of one report."""

    def __init__(self, statement: Statement, language: Language) -> None:
        self.statement = statement
        self.language = language
        self.words: Words = WORDS[language]

    def what(self, segments: Sequence[Segment]) -> Html:
        words, statement = self.words, self.statement
        request = statement.request
        who = ((words.operator, request.operator), (words.case, request.case), (words.basis, request.basis))
        camera = f"{statement.camera_name} ({statement.camera})" if statement.camera_name else statement.camera
        rows: list[tuple[object, object]] = [
            (words.camera, camera),
            (words.place, statement.place or words.none),
            (words.asked, self.moments(request.start, request.end)),
            *((name, value or words.none) for name, value in who),
            (words.recipient, request.recipient or words.none),
            (words.request, request.id),
            (words.made, self.moment(statement.made)),
            (words.device, f"{statement.node}, edge-recorder {statement.version}"),
            (words.footage_clock, self._clock(segments)),
            (words.masks, forms.grouped(statement.masks_sha256) if statement.masks_sha256 else words.no_masks),
        ]
        if not statement.gaps:
            rows.append((words.gaps, words.no_gaps))
        return facts(rows)

    def file(self, file: ClipFile) -> Html:
        words = self.words
        codec, size = _CODEC_NAMES.get(file.codec, file.codec), forms.size(file.bytes, self.language)
        form = f"{codec}; {size}; {words.pictures}: {forms.number(file.frames, self.language)}"
        return facts(
            [
                (words.file, stacked((element("b", file.name), form))),
                (words.first_last, self.moments(file.delivered_start, file.delivered_end)),
                ("SHA-256", forms.grouped(file.sha256)),
            ]
        )

    def gaps(self) -> Iterator[Html]:
        words = self.words
        rows = []
        for gap in self.statement.gaps:
            length_ns = parse_utc(gap.end) - parse_utc(gap.start)
            reason = REASONS[self.language][gap.reason]
            rows.append(
                (element("span", self.moments(gap.start, gap.end), class_="moment"), forms.length(length_ns, self.language), reason)
            )
        if rows:
            yield element("h2", words.gaps)
            yield table((words.gap_span, words.gap_length, words.gap_reason), rows)

    def _clock(self, segments: Sequence[Segment]) -> Html:
        words = self.words
        states = dict.fromkeys(file.clock for file in self.statement.files)
        stated = "; ".join(CLOCKS[self.language].get(state, state) for state in states)
        errors = [each.clock_error_ms for each in segments]
        known = [error for error in errors if error is not None]
        bound = words.error_unknown
        if known and len(known) == len(errors):
            bound = words.error_at_most.format(error=forms.number(max(known), self.language, 1))
        told = [f"{stated}; {bound}" if stated else bound]
        if not self._local(0):
            told.append(words.no_zone.format(zone=self.statement.timezone))
        return stacked(told)

    def sheet(self, sheet: Sheet) -> Html:
        if sheet.trouble:
            return element("p", self.words.sheet_no_decoder if sheet.trouble == "no_decoder" else self.words.sheet_failed)
        figures = element("div", *(self._figure(still) for still in sheet.stills), class_="pictures")
        return join((element("p", self.words.sheet_derived, class_="quiet"), figures))

    def verify(self, sha256: str, unsigned: str) -> Html:
        words, statement = self.words, self.statement
        command = element("code", f"edge verify . --trust CA.pem --lang {self.language}")
        signed = (stacked((words.by_program, command)), words.by_validator, words.by_telephone, words.by_hash, words.of_parts)
        steps = element("ol", *(element("li", each) for each in ((words.by_hash,) if unsigned else signed)))
        rows: list[tuple[object, object]] = [(words.statement.format(statement=STATEMENT_NAME), forms.grouped(sha256))]
        if not unsigned:
            rows += [
                (words.fingerprint, forms.grouped(statement.fingerprint)),
                (words.assurance, words.assurances.get(statement.assurance, statement.assurance)),
            ]
        rows.append((words.records, self._records()))
        why = words.no_seal if unsigned == NO_SEAL else unsigned
        told = [element("p", element("b", words.unsigned.format(why=why)))] if unsigned else []
        return join((*told, steps, facts(rows)))

    def handover(self, names: Sequence[str]) -> Html:
        words, request = self.words, self.statement.request
        blank = element("div", class_="blank")
        return join(
            (
                element("h2", words.handover),
                element("p", words.handover_about, class_="quiet"),
                facts(
                    [
                        (words.case, request.case),
                        (words.camera, self.statement.camera),
                        (words.request, request.id),
                        (words.files_handed, stacked(names)),
                        *((name, blank) for name in (words.date, words.medium, words.giver, words.taker, words.remarks)),
                    ]
                ),
                element("div", element("div", words.sign_giver), element("div", words.sign_taker), class_="signatures"),
            )
        )

    def moment(self, text: str) -> Html:
        """Local time, and UTC beside it."""
        utc_ns = parse_utc(text)
        here, utc = self._local(utc_ns), forms.utc(utc_ns, self.language)
        if not here:
            return element("span", utc, class_="moment")
        return join((element("span", here, class_="moment"), " ", element("span", utc, class_="moment quiet")))

    def moments(self, start: str, end: str) -> Html:
        return stacked((join((self.moment(start), " –")), self.moment(end)))

    def _local(self, utc_ns: int, *, offset: bool = True) -> str:
        return forms.local(utc_ns, self.statement.timezone, self.language, offset=offset)

    def _figure(self, still: Still) -> Html:
        times = (self._local(still.utc_ns, offset=False), forms.utc(still.utc_ns, self.language))
        return element("figure", jpeg(still.jpeg), element("figcaption", stacked(filter(None, times))))

    def _records(self) -> str:
        lines = sum(len(proof.lines) for proof in self.statement.records)
        proven = self.words.proven.format(lines=forms.number(lines, self.language)) if lines else ""
        return " ".join(filter(None, (proven, self.words.notes[self.statement.records_note])))


_CODEC_NAMES = {"h264": "H.264", "h265": "H.265"}
