"""The month of a whole town on one sheet: a row for each camera. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from edge import __version__
from edge.audit.months import Month
from edge.audit.words import NBSP, REASONS, Words, duration, local, month_name, percent
from edge.clock import format_utc
from edge.messages.audit import CameraMonth, MonthReport, TownMonth, TownRow
from edge.paper.page import Html, Language, element, page, table
from edge.ring.layout import recorder_journal

LOW_PERCENT = 99.0
"""Rows below it are marked."""
_STYLE = Html(
    "<style>@page { margin: 9mm 12mm; } body { max-width: 186mm; } .town table { font-size: 6.4pt; line-height: 1.05; } "
    ".town td, .town th { padding: .12mm 1.2mm .12mm 0; } .town td { white-space: nowrap; }</style>"
)
"""80 cameras on one sheet."""

_T: dict[str, Words] = {
    "title": {"pl": "Dostępność nagrań w mieście", "en": "Availability of the town's footage"},
    "node": {"pl": "urządzenie", "en": "node"},
    "camera": {"pl": "kamera", "en": "camera"},
    "available": {"pl": "dostępność", "en": "available"},
    "unplanned": {"pl": "nieplanowane", "en": "unplanned"},
    "planned": {"pl": "planowane", "en": "planned"},
    "unreported": {"pl": "brak danych", "en": "not reported"},
    "outages": {"pl": "przerwy", "en": "outages"},
    "longest": {"pl": "najdłuższa", "en": "longest"},
    "clips": {"pl": "klipy zam./dost./odm.", "en": "clips ask./del./ref."},
    "early": {"pl": "usunięte przed minimum", "en": "erased early"},
    "mean": {"pl": "Kamery: {0}; średnia dostępność {1}; poniżej {2}: {3}.", "en": "Cameras: {0}; mean availability {1}; below {2}: {3}."},
    "made": {"pl": "Sporządzono {0} z kopii dzienników w centrum; czas: {1}.", "en": "Made {0} from the centre's journals; time: {1}."},
    "progress": {"pl": "Miesiąc trwa.", "en": "The month is not over."},
    "mark": {"pl": "▼ poniżej {0}; ✗ łańcuch dziennika przerwany.", "en": "▼ below {0}; ✗ the journal's chain is broken."},
    "none": {"pl": "W tym miesiącu żadna kamera nie ma zapisów.", "en": "No camera has records in this month."},
}  # fmt: skip


def town_month(month: Month, reports: Iterable[MonthReport], now_ns: int) -> TownMonth:
    """Keeps a row of each camera, not its outages: reports may be made one after the other."""
    return TownMonth(
        timezone=month.zone.key,
        month=month.text,
        made=format_utc(now_ns),
        in_progress=now_ns < month.end_utc_ns,
        version=__version__,
        rows=[_row(report, camera) for report in reports for camera in report.cameras],
    )


def town_page(town: TownMonth, language: Language) -> str:
    title = f"{_T['title'][language]}, {month_name(town.month, language)}"
    made = _T["made"][language].format(local(town.made, ZoneInfo(town.timezone)), town.timezone)
    progress = f" {_T['progress'][language]}" if town.in_progress else ""
    body: list[object] = [_STYLE, element("h1", title), element("p", made, progress, class_="quiet")]
    if not town.rows:
        return page(title, language, *body, element("p", _T["none"][language]))
    low = percent(LOW_PERCENT, language, 0)
    mean = sum(row.availability_percent for row in town.rows) / len(town.rows)
    below = sum(row.availability_percent < LOW_PERCENT for row in town.rows)
    body += [
        element("p", element("b", _T["mean"][language].format(len(town.rows), percent(mean, language), low, below))),
        element("div", _table(town, language), class_="town"),
        element("p", _T["mark"][language].format(low), class_="quiet"),
    ]
    return page(title, language, *body)


def _row(report: MonthReport, camera: CameraMonth) -> TownRow:
    worst = max(camera.outages, key=lambda each: each.seconds, default=None)
    return TownRow(
        node=report.node,
        camera=camera.camera,
        availability_percent=camera.availability_percent,
        counted_s=camera.counted_s,
        unplanned_s=camera.unplanned_s,
        planned_s=camera.planned_s,
        unreported_s=round(sum(each.seconds for each in camera.outages if each.reason == "not_reported"), 3),
        outages=len(camera.outages),
        longest_s=worst.seconds if worst else 0.0,
        longest_reason=worst.reason if worst else None,
        clips=camera.clips,
        erased_early=camera.erased_early,
        chain_whole=all(each.whole for each in report.journals if each.journal == recorder_journal(camera.camera)),
    )


def _table(town: TownMonth, language: Language) -> Html:
    words = ("node", "camera", "available", "unplanned", "planned", "unreported", "outages", "longest", "clips", "early")
    return table([_T[word][language] for word in words], (_cells(row, language) for row in town.rows), numbers=(2, 3, 4, 5, 6, 9))


def _cells(row: TownRow, language: Language) -> tuple[object, ...]:
    low = row.availability_percent < LOW_PERCENT
    share = f"{'▼' + NBSP if low else ''}{percent(row.availability_percent, language)}"
    longest = f"{duration(row.longest_s, language)} {REASONS[row.longest_reason][language]}" if row.longest_reason else ""
    return (
        row.node,
        row.camera + ("" if row.chain_whole else f"{NBSP}✗"),
        element("b", share) if low else share,
        *(duration(each, language) if each else "" for each in (row.unplanned_s, row.planned_s, row.unreported_s)),
        row.outages or "",
        longest,
        f"{row.clips.asked}/{row.clips.delivered}/{row.clips.refused}" if row.clips.asked else "",
        row.erased_early or "",
    )
