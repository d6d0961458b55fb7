"""hardware.md, from the profiles in hw/ and the table of what the tests play."""

from __future__ import annotations

from collections.abc import Iterator

from edge.capture.probe import camera_of
from edge.config import hardware
from edge.config.endurance import endurance
from tests.contract.tried import TRIED

_HEAD = """\
One file each in [hw/](../hw/), with wiring, parts and the bench list in [hw/README.md](../hw/README.md). `[node] hw = "..."` takes its
defaults; `edge capture probe` says which fits and what the board can really do. Watts are the makers' figures for board, camera and
storage. Days: of footage that fit at the encoder's rate, against 20 that the law asks of a municipal guard; years: until the medium's
rated writes are used up, at 1.1 bytes written for each of footage.
"""
_COLUMNS = (
    "`hw =`",
    "board",
    "source",
    "encoder",
    "picture",
    "W, typical and most",
    "storage",
    "a day",
    "days",
    "worn out after",
    "tested",
)
_TWO_CAMERAS = ("cm4",)


def hardware_lines(made: str) -> Iterator[str]:
    yield "# Hardware profiles\n"
    yield made
    yield _HEAD
    yield "| " + " | ".join(_COLUMNS) + " |"
    yield "|" + "---|" * len(_COLUMNS)
    for name in hardware.names():
        yield "| " + " | ".join(_cells(name, hardware.profile(name))) + " |"
    yield "\n## What was tried where\n"
    yield "Every row keeps the contract of `edge/capture/source.py` (`tests/contract/test_sources.py`), in each run of `make test`.\n"
    yield "| source | adapter | what plays the camera | tried on a real one |\n|---|---|---|---|"
    for row in TRIED:
        yield f"| {row.rig} | `{row.adapter}` | {row.played_by} | {row.real} |"


def _cells(name: str, profile: hardware.Profile) -> Iterator[str]:
    camera, storage, power = camera_of(profile), profile.storage, profile.power
    assert storage is not None
    count = 2 if name in _TWO_CAMERAS else 1
    lasts = endurance([camera] * count, storage)
    yield f"`{name}`"
    yield profile.board.name
    source = profile.defaults["camera"].get("source")
    yield f"`{source}`" if source else "two, by their Ids" if count > 1 else "yours"
    yield camera.encoder
    yield f"{camera.width}x{camera.height}, {camera.fps:g} fps, {camera.bitrate_kbps / 1000:g} Mbit/s"
    yield f"{power.typical_w:g}, {power.peak_w:g}" if power else "-"
    yield f"{storage.medium} {storage.size_gb:g} GB"
    yield f"{lasts.daily_bytes / 1e9:.0f} GB"
    yield f"{lasts.days:.1f}"
    yield f"{lasts.years:.1f} years"
    yield profile.board.tested or "never"
