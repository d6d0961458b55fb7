"""What of a configuration may be changed from afar, and which processes a change concerns.

Whoever holds the centre's key tunes a node; he does not take it from its owner, lock the owner out, or send footage elsewhere: identity,
data folder, broker, keys, signer, addresses and sources are changed at the node alone. Everything that is not in FROM_AFAR is refused.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from edge.config.explain import explain
from edge.config.problems import ConfigProblems, Problem
from edge.config.read import Loaded, parse_config
from edge.config.secrets import check_files

RECORDERS, WATCHER, AGENT = "recorder:", "watcher", "agent"

FROM_AFAR: dict[str, tuple[str, ...]] = {
    r"camera\[\d+\]\.name": (AGENT,),
    r"camera\[\d+\]\.sensitivity": (WATCHER,),
    r"camera\[\d+\]\.zone\[\d+\]\.\w+": (WATCHER,),
    r"watch\.\w+": (WATCHER,),
    r"retention\.days": (RECORDERS, AGENT),
    r"retention\.minimum_days": (RECORDERS, AGENT),
    r"upload\.rate_kbps": (AGENT,),
    r"health\.\w+": (AGENT,),
}
"""Keys -> the processes that read them. The agent starts anew at each change: by its connection the change is confirmed."""

_NEVER = "may not be changed from afar: change it at the node"
_LOWERED = "may be raised from afar, not lowered: what is erased does not come back with the configuration of before"


@dataclass(frozen=True, slots=True)
class Considered:
    """A document as compared with the one in force. problems: why it cannot be applied. changed: key paths. units: to be started anew."""

    sha256: str
    problems: tuple[Problem, ...]
    changed: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


def consider(loaded: Loaded, text: str) -> Considered:
    """In full: the file by itself, the files it names, and what may be changed. Nothing is written."""
    data = text.encode("utf-8")
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        config, origins = parse_config(data, loaded.path)
    except ConfigProblems as error:
        return Considered(sha256, error.problems)
    wanted = Loaded(config, loaded.path, sha256, None, origins, data)
    old, new = _values(loaded), _values(wanted)
    changed = tuple(key for key in {**old, **new} if old.get(key) != new.get(key))
    problems = [Problem(key, _NEVER) for key in changed if _readers(key) is None]
    if not problems:  # with another path in it, the answer would tell which files there are
        problems = check_files(config)
    if config.retention.days < loaded.config.retention.days:
        problems.append(Problem("retention.days", _LOWERED))
    return Considered(sha256, tuple(problems), changed, _units(loaded, changed))


def _values(loaded: Loaded) -> dict[str, str]:
    return {value.path: value.value for value in explain(loaded)}


def _readers(key: str) -> tuple[str, ...] | None:
    return next((readers for pattern, readers in FROM_AFAR.items() if re.fullmatch(pattern, key)), None)


def _units(loaded: Loaded, changed: tuple[str, ...]) -> tuple[str, ...]:
    readers = {AGENT, *(reader for key in changed for reader in _readers(key) or ())}
    cameras = loaded.config.camera
    recorders = [RECORDERS + camera.id for camera in cameras] if RECORDERS in readers else []
    watcher = [WATCHER] if WATCHER in readers and any(camera.motion for camera in cameras) else []
    return (*recorders, *watcher, AGENT)
