"""What weather, night and bad cameras do to footage: a film of grey pictures in, the same moments out, so that its truth stays true.

uint8[n, height, width] and pictures a second in, uint8[n, height, width] out; the same seed gives the same film.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Film = NDArray[np.uint8]
Weather = Callable[[Film, float], Film]
_SEED = 20_261_127


def _grey(values: Any) -> Film:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _chance() -> np.random.Generator:
    return np.random.default_rng(_SEED)


def noise(film: Film, fps: float) -> Film:
    """A sensor at high gain: 9 grey levels."""
    chance = _chance()
    return np.stack([_grey(each + chance.normal(0, 9, each.shape)) for each in film])


def night(film: Film, fps: float) -> Film:
    """A ninth of the light: few photons, lifted by gain, and an encoder behind it."""
    chance = _chance()
    made = []
    for each in film:
        photons = (each.astype(np.float32) / 255) ** 2.2 * 60
        caught = chance.poisson(photons) + chance.normal(0, 2, photons.shape)
        made.append(_grey(np.clip(caught / 60, 0, 1) ** (1 / 2.2) * 150))
    return compressed(np.stack(made), fps, crf=30)


def rain(film: Film, fps: float) -> Film:
    """Streaks, different in each picture, and a few near drops."""
    chance = _chance()
    height, width = film.shape[1:]
    made = []
    for each in film:
        light = np.zeros((height, width), np.float32)
        for x, y, near in chance.random((width // 3, 3)):
            foot = (int(x * width - near * width / 160), int(y * height + (0.3 + near) * height / 14))
            cv2.line(light, (int(x * width), int(y * height)), foot, (20.0 + 40 * near,), 1, cv2.LINE_AA)
        for x, y in chance.random((3, 2)):
            cv2.line(light, (int(x * width), int(y * height)), (int(x * width) - 8, int((y + 0.2) * height)), (60.0,), 3, cv2.LINE_AA)
        made.append(_grey(each * 0.94 + cv2.blur(light, (3, 3))))
    return np.stack(made)


def snow(film: Film, fps: float) -> Film:
    """Flakes that fall and swirl, the near ones large and fast."""
    chance = _chance()
    height, width = film.shape[1:]
    x, y = chance.random((2, 220))
    near = chance.random(220) ** 3
    made = []
    for number, each in enumerate(film):
        y = (y + (0.25 + 1.6 * near) / fps) % 1.0
        x = (x + 0.02 * np.sin(number / fps + near * 9) + chance.normal(0, 0.003, 220)) % 1.0
        flakes = np.zeros((height, width), np.float32)
        for across, down, size in zip(x, y, near, strict=True):
            place = (int(across * width), int(down * height))
            cv2.circle(flakes, place, max(1, int((0.6 + 3 * size) * width / 640 + 0.5)), (150.0,), -1, cv2.LINE_AA)
        made.append(_grey(np.maximum(each * 0.95 + 8, cv2.blur(flakes, (3, 3)) + each * 0.3)))
    return np.stack(made)


def fog(film: Film, fps: float) -> Film:
    """A quarter of the contrast is left."""
    chance = _chance()
    return np.stack([_grey(0.25 * each + 0.75 * (0.3 * each.mean() + 115) + chance.normal(0, 1.5, each.shape)) for each in film])


def exposure(film: Film, fps: float) -> Film:
    """A lamp or the automatic exposure: the whole or one side is brighter or darker every eleven seconds, within a third of one."""
    steps = [(1.0, 0.0), (1.35, 0.0), (0.7, 0.0), (1.0, 0.0), (1.4, 0.35), (1.0, 0.0), (0.65, 0.3), (1.25, 0.0), (0.8, -0.35)]
    ramp = np.linspace(-1, 1, film.shape[2], dtype=np.float32)[None]
    made = []
    for number, each in enumerate(film):
        now = number / fps / 11
        ago, step = min(1.0, (now % 1) * 33), steps[int(now) % len(steps)]
        before = steps[(int(now) - 1) % len(steps)] if now >= 1 else steps[0]
        gain, side = (a + (b - a) * ago for a, b in zip(before, step, strict=True))
        made.append(_grey(np.minimum(each * (gain * (1 + side * ramp)), 250)))
    return np.stack(made)


def shake(film: Film, fps: float) -> Film:
    """A pole in gusts: up to 0.4 % of the width at 0.4 and 1.3 Hz, and a lorry's tremble."""
    chance = _chance()
    height, width = film.shape[1:]
    at_s = np.arange(len(film)) / fps
    every = np.arange(0, at_s[-1] + 14, 7)
    gust = np.interp(at_s, every, chance.uniform(0.15, 1, len(every)))
    across = width * 0.004 * gust * (np.sin(2.5 * at_s + 1) + 0.3 * np.sin(8.2 * at_s))
    down = width * 0.0012 * gust * np.sin(5.6 * at_s + 2) + chance.normal(0, width * 0.0003, len(film))
    made = []
    for each, x, y in zip(film, across, down, strict=True):
        move = np.array([[1.02, 0, x - 0.01 * width], [0, 1.02, y - 0.01 * height]], np.float32)
        made.append(cv2.warpAffine(each, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))
    return _grey(np.stack(made))


def infrared(film: Film, fps: float) -> Film:
    """Half-way the filter leaves and the lamps light up: other brightness, other contrast, more noise, brighter in the middle."""
    chance = _chance()
    height, width = film.shape[1:]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    lamp = np.exp(-(((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) / 0.18))
    made = [*film[: len(film) // 2]]
    for each in film[len(film) // 2 :]:
        made.append(_grey((each.astype(np.float32) / 255) ** 0.8 * 190 * (0.35 + 0.75 * lamp) + chance.normal(0, 4, each.shape)))
    return np.stack(made)


def compressed(film: Film, fps: float, crf: int = 0) -> Film:
    """A starved encoder: the picture pulses with every key frame. crf: of libx264; 0: a fixed, far too small rate."""
    height, width = film.shape[1:]
    options = {"preset": "veryfast", "bf": "0", "g": str(round(2 * fps)), "threads": "1", "x264-params": "scenecut=0"}
    options |= {"crf": str(crf)} if crf else {"maxrate": str(width * 95), "bufsize": str(width * 95)}
    kept = io.BytesIO()
    with av.open(kept, "w", format="matroska") as written:
        stream = written.add_stream("libx264", rate=round(fps), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if not crf:
            stream.bit_rate = width * 95
        for each in film:
            for packet in stream.encode(av.VideoFrame.from_ndarray(each, "gray").reformat(format="yuv420p")):
                written.mux(packet)
        for packet in stream.encode():
            written.mux(packet)
    kept.seek(0)
    with av.open(kept, "r") as read:
        return _grey(np.stack([frame.to_ndarray(format="gray") for frame in read.decode(video=0)]))


def insects(film: Film, fps: float) -> Film:
    """Near an infra-red lamp: a bright blur darts through every six seconds and is gone within four pictures."""
    chance = _chance()
    height, width = film.shape[1:]
    made = film.copy()
    for start in range(round(4 * fps), len(film) - 4, round(6 * fps)):
        place, flight = chance.random(2), chance.normal(0, 0.14, 2)
        for step in range(int(chance.integers(1, 4))):
            x, y = place + flight * step + chance.normal(0, 0.05, 2)
            blur = np.zeros((height, width), np.float32)
            cv2.ellipse(
                blur, (int(x * width), int(y * height)), (width // 22, width // 60), float(chance.uniform(0, 180)), 0, 360, (110.0,), -1
            )
            made[start + step] = _grey(made[start + step] + cv2.GaussianBlur(blur, (0, 0), width / 160))
    return made


WEATHERS: dict[str, Weather] = {
    "noise": noise,
    "night": night,
    "rain": rain,
    "snow": snow,
    "fog": fog,
    "exposure": exposure,
    "shake": shake,
    "infrared": infrared,
    "compressed": compressed,
    "insects": insects,
}
