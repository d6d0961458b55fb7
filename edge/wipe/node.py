"""Taking a node out of service. Keys go first, so that whatever interrupts the rest leaves nothing that could be used; each step may be
done again, and `wipe_node` called again goes on where it was interrupted; the configuration goes last, since it says where all else is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from edge.clock import Clock
from edge.config.model import NodeConfig
from edge.errors import EdgeError, NotFound, StorageError
from edge.host.disk import Disk
from edge.journal.writer import JournalWriter
from edge.messages.evidence import Decommission
from edge.ring.hold import Holds
from edge.ring.layout import NodeFolders
from edge.wipe.footage import camera_folders, count, wipe_ring
from edge.wipe.keep import copy_journals
from edge.wipe.remove import Removed, Remover
from edge.wipe.targets import FOOTAGE, JOURNALS, NETWORK, SENTINEL, STATE, Targets

log = logging.getLogger(__name__)

_NOT_OURS = frozenset({"lost+found"})
_SENTENCES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """root: where /etc and /var are. local: the journal of what people do here, open or not. keep: where the journals are copied to."""

    disk: Disk
    config: NodeConfig
    targets: Targets
    folders: NodeFolders
    clock: Clock
    boot: str
    root: Path
    by: str
    why: str
    local: JournalWriter | None
    holds: Holds
    keep: Path | None = None
    with_journals: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """what: in words. removed: counts, and what remains. is_record: nothing was to be removed."""

    what: str
    removed: Removed
    is_record: bool = False

    @property
    def text(self) -> str:
        found = self.removed
        if self.is_record:
            return f"{self.what}: {'refused' if found.remains else 'done'}"
        if not found.files and not found.folders:
            return f"{self.what}: {'not removed' if found.remains else 'nothing there'}"
        return f"{self.what}: {found.files:,} files, {found.folders:,} folders, {found.bytes:,} bytes"


@dataclass(slots=True)
class Outcome:
    """left: what is not this command's to destroy, and why."""

    steps: list[Step] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def remains(self) -> list[str]:
        found = [text for step in self.steps for text in step.removed.remains]
        more = sum(step.removed.more for step in self.steps)
        return [*found, f"and {more} more"] if more else found


def wipe_node(order: Order, tell: Callable[[str], None]) -> Outcome:
    """Never raises for what cannot be removed: it is told, and the rest goes on. The caller holds the locks of all services."""
    outcome = Outcome()
    for step in _steps(order, outcome, tell):
        outcome.steps.append(step)
    outcome.left += [*(f"{path}: {why}" for path, why in order.targets.spared), *order.targets.by_hand, *_unknown(order)]
    return outcome


def survey(order: Order) -> list[str]:
    """What `wipe_node` would destroy; changes nothing. Raises StorageError."""
    disk, data, targets = order.disk, order.folders.data, order.targets
    remover = Remover(disk)

    def present(paths: list[Path]) -> list[str]:
        return [str(path) for path in paths if remover.entry(path) is not None]

    lines = [f"key or secret: {path}" for path in present(targets.secrets)]
    lines += [f"certificate: {path}" for path in present(targets.public)]
    lines += [f"network secret: {path}" for folder, pattern in _networks_here(order) for path in _matching(order, folder, pattern)]
    for name in (*FOOTAGE, *STATE, *([JOURNALS] if order.with_journals else [])):
        files, size = count(disk, data / name) if remover.entry(data / name) is not None else (0, 0)
        lines += [f"{data / name}: {files:,} files, {size:,} bytes"] if files else []
    lines += [f"volatile: {path}" for path in present(_volatile(order))]
    lines += [f"configuration: {path}" for path in present(targets.config)]
    return (
        lines
        + [f"left: {path}: {why}" for path, why in targets.spared]
        + [f"left: {each}" for each in (*targets.by_hand, *_unknown(order))]
    )


def _steps(order: Order, outcome: Outcome, tell: Callable[[str], None]) -> Iterator[Step]:
    disk, data, targets = order.disk, order.folders.data, order.targets
    remover = Remover(disk)
    yield Step("record of the beginning", _record(order, "begun", outcome), is_record=True)
    for path in targets.secrets:
        yield Step(f"secret {path}", remover.secret(path))
    for path in targets.public:
        yield Step(f"certificate {path}", remover.file(path))
    yield from _networks(order, remover)
    yield Step("volatile files", _all(remover.tree, _volatile(order)))
    _drop_empty(disk, order.folders.volatile)
    yield Step("release of evidence locks", _release(order), is_record=True)
    for name in FOOTAGE[:-1]:
        yield Step(name, remover.tree(data / name))
    cameras, unread = _cameras(order)
    if unread.remains:
        yield Step("list of cameras", unread)
    for camera in cameras:
        yield Step(f"footage of {camera}", wipe_ring(disk, order.config, order.folders, camera, order.clock, order.boot, tell))
    yield Step(FOOTAGE[-1], remover.tree(data / FOOTAGE[-1]))
    yield Step("state of the agent", _all(remover.tree, [data / name for name in STATE]))
    yield Step("record of the end", _record(order, "ended", outcome), is_record=True)
    yield from _journals(order, remover)
    for what, path in (("mark of the data partition", data / SENTINEL), *(("configuration", path) for path in targets.config)):
        if not outcome.remains:
            yield Step(what, remover.secret(path))


def _journals(order: Order, remover: Remover) -> Iterator[Step]:
    copied = Removed()
    if order.keep is not None:
        copied = copy_journals(order.disk, order.folders.journals, order.keep)
        yield Step(f"journals copied to {order.keep}", copied)
    if order.with_journals and not copied.remains:
        _close(order.local)
        yield Step("journals", remover.tree(order.folders.journals))


def _all(remove: Callable[[Path], Removed], paths: list[Path]) -> Removed:
    done = Removed()
    for path in paths:
        done.add(remove(path))
    return done


def _record(order: Order, state: Literal["begun", "ended"], outcome: Outcome) -> Removed:
    """A journal that takes nothing does not keep secrets alive: the print-out is the proof then."""
    done = Removed()
    if order.local is None:
        return done
    facts = Decommission(
        node=order.config.node.id,
        by=order.by,
        why=order.why,
        state=state,
        journals="wiped" if order.with_journals else "kept",
        wiped=[step.text for step in outcome.steps][-_SENTENCES:],
        remains=[text[:200] for text in outcome.remains[:_SENTENCES]],
    )
    try:
        order.local.append(facts)
    except StorageError as refused:
        done.failed(f"not in the journal, keep this print-out: {refused}")
    return done


def _release(order: Order) -> Removed:
    """The caller asked for it, or there are none."""
    done = Removed()
    try:
        found = order.holds.holds()
    except EdgeError as refused:
        done.failed(f"evidence locks cannot be read: {refused}")
        return done
    for hold in found:
        try:
            order.holds.release(hold.id, order.by, order.why)
        except EdgeError as refused:
            done.failed(f"lock {hold.id} is not released on record: {refused}")
    return done


def _cameras(order: Order) -> tuple[list[str], Removed]:
    """Those with a ring. Where they cannot be listed, what is in it goes without a record of each segment."""
    done = Removed()
    try:
        return camera_folders(order.disk, order.folders), done
    except StorageError as refused:
        done.failed(f"footage is not destroyed on record: {refused}")
        return [], done


def _volatile(order: Order) -> list[Path]:
    """Only what the services make there: the folder may be one that others use."""
    cameras = dict.fromkeys([*(camera.id for camera in order.config.camera), *_cameras(order)[0]])
    return [*(order.folders.run(camera) for camera in cameras), order.folders.custody_refused]


def _networks_here(order: Order) -> tuple[tuple[str, str], ...]:
    return NETWORK if order.targets.network else ()


def _networks(order: Order, remover: Remover) -> Iterator[Step]:
    """A folder that cannot be listed may hold one."""
    for folder, pattern in _networks_here(order):
        unread = Removed()
        try:
            paths = _matching(order, folder, pattern)
        except StorageError as refused:
            unread.failed(str(refused))
            yield Step(f"network secrets in {order.root / folder}", unread)
        else:
            for path in paths:
                yield Step(f"network secret {path}", remover.secret(path))


def _matching(order: Order, folder: str, pattern: str) -> list[Path]:
    """Raises StorageError."""
    place = order.root / folder
    try:
        return sorted(place / entry.name for entry in order.disk.scan(place) if not entry.is_dir and fnmatchcase(entry.name, pattern))
    except NotFound:
        return []


def _unknown(order: Order) -> list[str]:
    """What lies on the data partition and is not the recorder's."""
    known = {*FOOTAGE, *STATE, *_NOT_OURS, JOURNALS, SENTINEL}
    try:
        names = sorted(entry.name for entry in order.disk.scan(order.folders.data))
    except StorageError:
        return []
    found = [f"{order.folders.data / name}: not the recorder's" for name in names if name not in known]
    return found[:_SENTENCES]


def _drop_empty(disk: Disk, folder: Path) -> None:
    try:
        disk.rmdir(folder)
    except StorageError as refused:
        log.debug("%s stays: %s", folder, refused)


def _close(journal: JournalWriter | None) -> None:
    try:
        if journal is not None:
            journal.close()
    except StorageError as refused:
        log.error("%s", refused)
