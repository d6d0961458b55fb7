"""Motion against other detectors on real footage, in fair and foul weather, each scene judged with settings chosen on the others.

The footage and its rules (events, what counts as false) are not part of this repository; without them this says so and ends with 0. Every
detector sees the same 320x180 pictures, ten a second: each scene as it is and in ten kinds of weather (tests/support/weather.py). Each
other detector has several settings; the one that judges a scene is the best over all films of the other scenes. This product's has one,
for all of them. Ends with 1 when it misses an event of the plain films, tells a false one there, or costs more than a tenth of MOG2 at
640x360.

    python bench/motion.py [FOOTAGE] [--weathers rain,snow] [--write docs/design]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.motion_picture import Bars, plot
from edge.clock import NS_PER_S
from edge.watch.motion import Detector, DetectorSettings
from tests.support.vectors import SHARED
from tests.support.weather import WEATHERS, Film

WIDTH, HEIGHT, FPS = 320, 180, 10.0
PLAIN = "fair"
VIEWS = {"hw_near": "highway", "wt": "trees", "vt_grass": "lawn", "car": "cars", "tc_lane": "motorway"}
"""View of the footage's rules -> scene."""
CPU_SHARE_MAX = 0.1
Luma = NDArray[np.uint8]
Look = Callable[[Luma, int], float]
"""Picture and its number -> part of the picture that the largest moving thing covers."""


@dataclass(frozen=True)
class Setting:
    """least: a smaller part of the picture is no report."""

    text: str
    make: Callable[[int, int], Look]
    least: float


@dataclass(frozen=True)
class Judged:
    events: int
    hits: int
    false: int
    negative: int
    active: int
    quiet: int
    lags: tuple[int, ...]
    cpu_ms: float


def ours(sensitivity: float) -> Callable[[int, int], Look]:
    def make(width: int, height: int) -> Look:
        detector = Detector(width, height, DetectorSettings(sensitivity=sensitivity))
        return lambda luma, number: detector.look(luma, round((number + 1) / FPS * NS_PER_S)).score

    return make


def subtractor(build: Callable[[], Any]) -> Callable[[int, int], Look]:
    """OpenCV's: shadows are no motion, specks are opened away."""

    def make(width: int, height: int) -> Look:
        model, speck = build(), np.ones((3, 3), np.uint8)

        def look(luma: Luma, number: int) -> float:
            mask = cv2.threshold(model.apply(luma), 200, 255, cv2.THRESH_BINARY)[1]
            return _largest(cv2.dilate(cv2.morphologyEx(mask, cv2.MORPH_OPEN, speck), speck))

        return look

    return make


def differencing(threshold: int) -> Callable[[int, int], Look]:
    def make(width: int, height: int) -> Look:
        before: list[Luma] = []

        def look(luma: Luma, number: int) -> float:
            soft = np.asarray(cv2.GaussianBlur(luma, (5, 5), 0), np.uint8)
            before.append(soft)
            if len(before) < 2:
                return 0.0
            change = cv2.threshold(cv2.absdiff(soft, before.pop(0)), threshold, 255, cv2.THRESH_BINARY)[1]
            return _largest(cv2.dilate(change, np.ones((3, 3), np.uint8), iterations=2))

        return look

    return make


def _largest(mask: Any) -> float:
    stats = cv2.connectedComponentsWithStats(mask)[2]
    return float(stats[1:, 4].max()) / mask.size if len(stats) > 1 else 0.0


MOG2 = [subtractor(lambda t=t: cv2.createBackgroundSubtractorMOG2(500, t, True)) for t in (16, 36, 72)]  # type: ignore[misc]
KNN = [subtractor(lambda t=t: cv2.createBackgroundSubtractorKNN(500, t, True)) for t in (400, 900, 1800)]  # type: ignore[misc]
DIFFERENCING = [differencing(t) for t in (15, 25, 40)]
LEAST = (0.002, 0.005, 0.01)
DETECTORS: dict[str, list[Setting]] = {
    "this product": [Setting("as it comes", ours(1.0), 1e-9)],
    "OpenCV MOG2": [Setting(f"{at} {least}", make, least) for at, make in enumerate(MOG2) for least in LEAST],
    "OpenCV KNN": [Setting(f"{at} {least}", make, least) for at, make in enumerate(KNN) for least in LEAST],
    "frame differencing": [Setting(f"{at} {least}", make, least) for at, make in enumerate(DIFFERENCING) for least in LEAST],
}


@cache
def rules(folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location("motion_rules", folder / "motion_bench.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def film_of(folder: Path, view: str, weather: str) -> tuple[Film, NDArray[np.int8]]:
    """uint8[n, 180, 320], and for each picture 1: report it, 0: do not, -1: either."""
    full, state = rules(folder).load_view(str(folder), view)
    film = np.stack([cv2.resize(each, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for each in full])
    return (film if weather == PLAIN else WEATHERS[weather](film, FPS)), state


def watched(film: Film, make: Callable[[int, int], Look]) -> tuple[list[float], float]:
    """The largest part of each picture, and the median CPU of a picture in ms."""
    look = make(film.shape[2], film.shape[1])
    found, took_ns = [], []
    for number, luma in enumerate(film):
        began_ns = time.thread_time_ns()
        found.append(look(luma, number))
        took_ns.append(time.thread_time_ns() - began_ns)
    return found, statistics.median(took_ns) / 1e6


def judged_by(folder: Path, film: Film, state: NDArray[np.int8], make: Callable[[int, int], Look], least: float = 1e-9) -> Judged:
    found, cpu_ms = watched(film, make)
    return _judged(folder, [part >= least for part in found], state, cpu_ms)


def _judged(folder: Path, reports: list[bool], state: NDArray[np.int8], cpu_ms: float) -> Judged:
    told = rules(folder).judge(reports, state)
    hits, false, lags = told["hit"], told["fa"], tuple(told["lat"])
    return Judged(told["events"], hits, false, told["neg_frames"], told["false_active"], told["strict_neg"], lags, cpu_ms)


def judge_film(task: tuple[Path, str, str]) -> tuple[str, str, dict[tuple[str, str], Judged]]:
    """(footage, view, weather) -> view, weather, and how each setting of each detector did."""
    folder, view, weather = task
    cv2.setNumThreads(1)
    film, state = film_of(folder, view, weather)
    table = {}
    for name, settings in DETECTORS.items():
        seen: dict[int, tuple[list[float], float]] = {}
        for setting in settings:
            if id(setting.make) not in seen:
                seen[id(setting.make)] = watched(film, setting.make)
            found, cpu_ms = seen[id(setting.make)]
            table[name, setting.text] = _judged(folder, [part >= setting.least for part in found], state, cpu_ms)
    return view, weather, table


Results = dict[tuple[str, str], dict[tuple[str, str], Judged]]


def cost(judged: Sequence[Judged]) -> float:
    """Share of events missed, share of quiet pictures called moving, and a hundredth for each false report an hour."""
    return missed_share(judged) + active_share(judged) + per_hour(judged) / 100


def missed_share(judged: Sequence[Judged]) -> float:
    return 1 - sum(each.hits for each in judged) / max(1, sum(each.events for each in judged))


def per_hour(judged: Sequence[Judged]) -> float:
    return sum(each.false for each in judged) / max(1, sum(each.negative for each in judged)) * FPS * 3600


def active_share(judged: Sequence[Judged]) -> float:
    return sum(each.active for each in judged) / max(1, sum(each.quiet for each in judged))


def left_out(results: Results, name: str) -> dict[tuple[str, str], Judged]:
    """Each film by the setting that does best on the films of the other scenes."""
    chosen: dict[tuple[str, str], Judged] = {}
    for view in VIEWS:
        others = [table for (seen, _), table in results.items() if seen != view] or list(results.values())
        best = min(DETECTORS[name], key=lambda setting: cost([table[name, setting.text] for table in others]))
        chosen |= {key: table[name, best.text] for key, table in results.items() if key[0] == view}
    return chosen


def cpu_share(folder: Path) -> tuple[float, float, float]:
    """Ours and MOG2's ms a 640x360 picture, taken in turn, and the ratio's median."""
    ours_ms: list[float] = []
    mog2_ms: list[float] = []
    for view in VIEWS:
        film = rules(folder).load_view(str(folder), view)[0][:200]
        for make, into in ((ours(1.0), ours_ms), (MOG2[0], mog2_ms)):
            into.append(watched(film, make)[1])
    ratios = [a / b for a, b in zip(ours_ms, mog2_ms, strict=True)]
    return statistics.median(ours_ms), statistics.median(mog2_ms), statistics.median(ratios)


def tables(chosen: dict[str, dict[tuple[str, str], Judged]], weathers: Sequence[str], cpu: tuple[float, float, float]) -> Iterator[str]:
    yield "| detector | events hit | false reports an hour | falsely active | latency, median and 90 % | CPU a 320x180 picture |"
    yield "|---|---|---|---|---|---|"
    for name, films in chosen.items():
        every = list(films.values())
        lags = sorted(lag for each in every for lag in each.lags)
        yield (
            f"| {name} | {sum(each.hits for each in every)} of {sum(each.events for each in every)} | {per_hour(every):.0f} "
            f"| {100 * active_share(every):.1f} % | {lags[len(lags) // 2]}, {lags[len(lags) * 9 // 10]} pictures "
            f"| {statistics.median(each.cpu_ms for each in every):.2f} ms |"
        )
    yield ""
    yield f"At 640x360: {cpu[0]:.2f} ms against MOG2's {cpu[1]:.2f} ms, {cpu[2]:.3f} of it."
    yield ""
    yield "Events hit / false reports / falsely active, by weather:"
    yield ""
    yield "| weather | " + " | ".join(chosen) + " |"
    yield "|---|" + "---|" * len(chosen)
    for weather in weathers:
        cells = []
        for films in chosen.values():
            these = [each for (_, seen), each in films.items() if seen == weather]
            hits, events = sum(each.hits for each in these), sum(each.events for each in these)
            cells.append(f"{hits}/{events}, {sum(each.false for each in these)}, {100 * active_share(these):.1f} %")
        yield f"| {weather} | " + " | ".join(cells) + " |"


def bars(name: str, films: dict[tuple[str, str], Judged], weathers: Sequence[str]) -> Bars:
    groups = [[each for (_, seen), each in films.items() if seen == weather] for weather in weathers]
    return Bars(name, [missed_share(group) for group in groups], [active_share(group) for group in groups])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("footage", nargs="?", type=Path, default=SHARED / "footage")
    parser.add_argument("--weathers", default=",".join(WEATHERS))
    parser.add_argument("--write", type=Path, help="folder for motion-bench.md and motion-bench.svg")
    given = parser.parse_args()
    if not (given.footage / "motion_bench.py").is_file():
        print(f"skipped: no motion_bench.py in {given.footage.resolve()}; give the folder of the footage as the first argument")
        return 0
    weathers = [PLAIN, *(each for each in given.weathers.split(",") if each)]
    tasks = [(given.footage, view, weather) for weather in weathers for view in VIEWS]
    results: Results = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for done, (view, weather, table) in enumerate(pool.map(judge_film, tasks), 1):
            results[view, weather] = table
            print(f"\r{done} of {len(tasks)} films", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    cpu = cpu_share(given.footage)
    chosen = {name: left_out(results, name) for name in DETECTORS}
    text = "\n".join(tables(chosen, weathers, cpu))
    print(text)
    if given.write:
        (given.write / "motion-bench.md").write_text(f"# Motion detectors side by side\n\nMade by `bench/motion.py`.\n\n{text}\n")
        (given.write / "motion-bench.svg").write_text(
            plot([bars(name, films, weathers) for name, films in chosen.items()], weathers) + "\n"
        )
    plain = [each for (_, weather), each in chosen["this product"].items() if weather == PLAIN]
    good = all(each.hits == each.events and each.false == 0 for each in plain) and cpu[2] <= CPU_SHARE_MAX
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
