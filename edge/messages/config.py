"""A configuration that comes from afar: what is wanted, what became of it, and the trial in between."""

from __future__ import annotations

from typing import Literal

import msgspec

ReportedState = Literal["in_force", "pending", "rejected", "rolled_back"]
CONFIRM_MIN_S, CONFIRM_S, CONFIRM_MAX_S = 10, 300, 3600
TOML_MAX_BYTES = 40 * 1024


class ConfigProblem(msgspec.Struct, frozen=True, kw_only=True):
    """path: key path in node.toml, "" for the whole file."""

    path: str
    text: str


class DesiredConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Claims of the JWS (ES256) on `config/desired`. It stands for ever, so its time says nothing: a node obeys only a version above all it
    has seen. toml: the whole document. sha256_before: of the document it replaces; "": whichever it is. confirm_s: how long the node tries
    it before it goes back."""

    v: int = 1
    aud: str
    version: int
    operator: str
    case: str = ""
    toml: str
    sha256_before: str = ""
    confirm_s: int = CONFIRM_S


class ConfigReported(msgspec.Struct, frozen=True, kw_only=True):
    """Retained `config/reported`. sha256: of the document in force. version: the newest desired one this node has seen, 0 for none. id: of
    the command or version ("desired-7") that `state` is about, "" for none. problems: keys that were rejected, or why it was rolled
    back."""

    v: int = 1
    version: int
    sha256: str
    state: ReportedState
    id: str = ""
    problems: list[ConfigProblem] = []


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """node.toml.trial, beside node.toml: a change of the configuration that must prove itself. What it says is so, and node.toml follows.

    wanted: the agent asks for it. trying: it is in node.toml until it is confirmed or its time is over. confirmed: by the agent, connected
    under it. rolled_back: by the supervisor; node.toml has `before` again. boots: in which it was tried, the newest last; began_s: on the
    boot clock of that one."""

    id: str
    operator: str
    case: str
    version: int
    before: str
    before_sha256: str
    wanted: str
    wanted_sha256: str
    units: list[str]
    confirm_s: int
    pids: dict[str, int] = {}
    """Of the recorders before: those under it are others."""
    state: Literal["wanted", "trying", "confirmed", "rolled_back"] = "wanted"
    boots: list[str] = []
    began_s: float = 0.0
    why: str = ""
