"""What crews are told when a camera was tampered with, and what they are to do about it."""

from __future__ import annotations

from edge.messages.records import AlarmRaised
from edge.watch.tamper import KINDS, Change, Kind

_CODES: dict[Kind, str] = {
    "covered": "lens_covered",
    "sprayed": "lens_sprayed",
    "defocused": "lens_defocused",
    "turned": "camera_turned",
    "dazzled": "camera_dazzled",
    "black": "picture_black",
    "frozen": "picture_frozen",
}
_TEXTS: dict[Kind, tuple[str, str]] = {
    "covered": ("the lens is covered: the scene's edges are gone", "look at a snapshot; send a crew with a ladder"),
    "sprayed": ("part of the lens shows nothing of the scene any more", "look at a snapshot; send a crew with a ladder and a cloth"),
    "defocused": ("the picture is blurred", "look at a snapshot; clean and focus the lens"),
    "turned": ("the camera shows another scene", "look at a snapshot; aim it again, or accept the new view: edge scene accept"),
    "dazzled": ("the camera is dazzled", "look at a snapshot; somebody shines into it, or the sun does"),
    "black": ("the picture went black at once", "look at a snapshot; the lens is closed, or all light was cut"),
    "frozen": ("the picture repeats itself", "restart the camera; it does not show what happens now"),
}


def code_of(kind: Kind, camera: str) -> str:
    return f"{_CODES[kind]}.{camera}"


def kind_of(code: str, camera: str) -> Kind | None:
    """None for an alarm of another kind or camera."""
    return next((kind for kind in KINDS if code == code_of(kind, camera)), None)


def alarm_of(change: Change, camera: str, since: str) -> AlarmRaised:
    """since: UTC of the first picture that showed it."""
    text, todo = _TEXTS[change.kind]
    return AlarmRaised(
        code=code_of(change.kind, camera),
        active=change.active,
        severity="critical" if change.active else "info",
        text=f"{text}, since {since}" if change.active else "the picture is as it was",
        todo=todo if change.active else "",
        value=round(change.measure, 3) if change.active else None,
    )
