"""The sheet every report is printed on, and the elements it is made of. All text is escaped here and nowhere else."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

Language = Literal["pl", "en"]

_STYLE = """
@page { size: A4; margin: 14mm 15mm 16mm; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.4 "Liberation Sans", "DejaVu Sans", Arial, sans-serif; color: #111; background: #fff;
  max-width: 180mm; margin: 8mm auto; }
h1 { font-size: 17pt; margin: 0 0 1mm; } h2 { font-size: 12pt; margin: 5mm 0 1.5mm; border-bottom: .3mm solid #111; padding-bottom: .5mm; }
p { margin: 1.5mm 0; } .quiet { color: #555; font-size: 9pt; }
table { border-collapse: collapse; width: 100%; font-size: 9.5pt; } thead { display: table-header-group; }
th, td { text-align: left; vertical-align: top; padding: .8mm 2mm .8mm 0; border-bottom: .15mm solid #bbb; }
tr { break-inside: avoid; } th { font-weight: bold; } th[scope=row] { width: 42mm; font-weight: normal; color: #555; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; padding-right: 4mm; }
code { font: 9pt/1.35 "Liberation Mono", "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.pictures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 2mm; } figure { margin: 0; break-inside: avoid; }
figure img { width: 100%; border: .15mm solid #999; display: block; } figcaption { font-size: 7.5pt; line-height: 1.25; padding-top: .5mm; }
.verdict { font-size: 14pt; font-weight: bold; border: .6mm solid #111; padding: 2mm 3mm; margin: 3mm 0; }
.signatures { display: grid; grid-template-columns: 1fr 1fr; gap: 12mm; margin-top: 14mm; }
.signatures div { border-top: .2mm solid #111; font-size: 8.5pt; padding-top: 1mm; }
h2 { break-after: avoid; } .new-page { break-before: page; } .whole { break-inside: avoid; } .blank { height: 9mm; }
.moment { white-space: nowrap; } .dense table { font-size: 9pt; } .dense h2 { margin-top: 3mm; }
.dense th, .dense td { padding: .5mm 2mm .5mm 0; }
ol { margin: 1.5mm 0; padding-left: 5mm; } li { margin: .8mm 0; }
@media screen { body { padding: 0 6mm; } } @media print { body { margin: 0 auto; } }
"""


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Html:
    """Escaped, unless it is markup already."""
    return value if isinstance(value, Html) else Html(escape(str(value)))


def element(name: str, *content: object, **attributes: str) -> Html:
    """<name attributes>content</name>; a trailing underscore in an attribute's name is dropped (class_)."""
    given = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{given}>{join(content)}</{name}>")


def jpeg(data: bytes) -> Html:
    """A picture that is part of the page."""
    return Html(f'<img alt="" src="data:image/jpeg;base64,{b64encode(data).decode()}">')


def join(parts: Iterable[object]) -> Html:
    return Html("".join(text(part) for part in parts))


def stacked(parts: Iterable[object]) -> Html:
    """One below the other."""
    return Html("<br>".join(text(part) for part in parts))


def facts(rows: Iterable[tuple[object, object]]) -> Html:
    """A table of names and values."""
    return element("table", *(element("tr", element("th", name, scope="row"), element("td", value)) for name, value in rows))


def table(headings: Sequence[object], rows: Iterable[Sequence[object]], numbers: Sequence[int] = ()) -> Html:
    """numbers: columns that are set flush right."""

    def row(kind: str, cells: Sequence[object]) -> Html:
        return element("tr", *(element(kind, cell, **({"class_": "number"} if at in numbers else {})) for at, cell in enumerate(cells)))

    return element("table", element("thead", row("th", headings)), element("tbody", *(row("td", cells) for cells in rows)))


def page(title: str, language: Language, *body: object) -> str:
    """The whole file. It loads nothing from anywhere and runs no script."""
    policy = Html("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">")
    head = join((Html('<meta charset="utf-8">'), policy, element("title", title), Html(f"<style>{_STYLE}</style>")))
    return f'<!DOCTYPE html>\n<html lang="{language}"><head>{head}</head><body>{join(body)}</body></html>\n'
