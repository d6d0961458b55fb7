"""Evidence locks: footage of a time range stays until someone releases it, and says why.

A lock is a folder of hard links: the sweep sees the link count and passes the segments over. Order of making: hold.json (what is wanted),
links, record in the journal, hold.json (what is there). Order of release: hold.json (decided), record, links, folder. Whatever interrupts
either, `refresh` ends it, in the agent or by the local tool without any network.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from edge.clock import NS_PER_S, Clock, parse_utc
from edge.errors import IntegrityError, NotFound, Refused, StorageError
from edge.host.disk import Disk
from edge.journal.writer import JournalWriter
from edge.messages.hold import Hold
from edge.messages.records import AlarmRaised, HoldAdded, HoldReleased
from edge.ring.hold_folder import HoldFolder
from edge.ring.hold_quota import HoldQuota
from edge.ring.hold_request import HoldRequest, check_text, checked, is_id
from edge.ring.query import RingReader, SegmentRef

_log = logging.getLogger(__name__)

_MARGIN_NS = 2 * NS_PER_S
"""Held beyond both ends: the clock's error, and the next GOP, whose first picture carries the last signature."""
_SETTLED_NS = 3600 * NS_PER_S
_PASSES = 4
_SEQS_PER_RECORD = 2000


class Holds:
    """One thread. `journal` is the caller's own; `reader` looks at the same data partition."""

    def __init__(
        self, disk: Disk, data: Path, journal: JournalWriter, clock: Clock, reader: RingReader, quota_percent: float = 25.0
    ) -> None:
        self._disk = disk
        self._root = data / "hold"
        self._journal = journal
        self._clock = clock
        self._reader = reader
        self._quota = HoldQuota(disk, data, reader, quota_percent)
        self._settled: set[str] = set()
        self._alarmed: set[str] = set()

    def add(self, request: HoldRequest) -> Hold:
        """Lock a range; asked again, the same lock. Raises Refused (bad_id, bad_text, bad_range, bad_review, unknown_camera, hold_exists,
        hold_quota), StorageError (what was begun is ended by asking again, or by `refresh`), IntegrityError (a damaged hold.json)."""
        now_ns = self._clock.read().utc_ns
        wanted = checked(request, self._reader.cameras(), now_ns)
        folder = self._folder(wanted.id)
        present = folder.read()
        if present is not None and present.released_by is not None:
            self._end_release(folder, present)
            present = None
        if present is None:
            self._quota.check(wanted, self._refs(wanted), self._held(), now_ns)
            folder.write(wanted)
            present = wanted
        elif _essence(present) != _essence(wanted):
            raise Refused("hold_exists", f"hold {wanted.id} exists with another range, camera or case", remedy="choose another id")
        return self._pin(folder, present)

    def holds(self) -> list[Hold]:
        """All locks in force, by id. Those on their way out, half-made or damaged ones are not among them."""
        found = (self._read(folder) for folder in self._folders())
        return [hold for hold in found if hold is not None and hold.released_by is None]

    def incomplete(self) -> list[str]:
        """Ids of folders whose description is missing or does not read; their links, if any, still pin footage."""
        return [folder.path.name for folder in self._folders() if self._read(folder) is None]

    def past_review(self) -> list[Hold]:
        """Locks someone should look at by now."""
        now_ns = self._clock.read().utc_ns
        return [hold for hold in self.holds() if hold.review is not None and parse_utc(hold.review) <= now_ns]

    def held_bytes(self) -> int:
        """What holds pin; a segment in two of them counts once."""
        return sum(self._held().values())

    def quota_bytes(self) -> int:
        return self._quota.total_bytes()

    def release(self, id: str, by: str, why: str) -> None:
        """Record who and why, then let go. Raises Refused (bad_text, unknown_hold), StorageError (`refresh` ends it), IntegrityError."""
        check_text(by, why)
        folder = self._folder(id)
        hold = folder.read() if is_id(id) else None
        if hold is None:
            raise Refused("unknown_hold", f"there is no hold {id[:80]!r}")
        if hold.released_by is None:
            hold = replace(hold, released_by=by, released_why=why, segments=[], bytes=0)
            folder.write(hold)
        self._end_release(folder, hold)

    def refresh(self) -> list[Hold]:
        """Complete what was interrupted and link what was recorded since; the locks that changed. To be called at start-up, then twice a
        minute. One lock's trouble keeps no other from its footage: raises the first StorageError after all were tried."""
        changed: list[Hold] = []
        refused: StorageError | None = None
        for folder in self._folders():
            try:
                changed += self._refresh(folder)
            except StorageError as error:
                _log.error("hold %s: cannot be completed now: %s", folder.path.name, error)
                refused = refused or error
        if refused is not None:
            raise refused
        return changed

    def _refresh(self, folder: HoldFolder) -> list[Hold]:
        name = folder.path.name
        if name in self._settled:
            return []
        try:
            hold = folder.read()
        except IntegrityError as damaged:
            self._alarm(f"hold_damaged.{name}", str(damaged), "copy what it links to and remove it by hand")
            return []
        if hold is None:
            if folder.is_empty():
                folder.drop()
            else:
                self._alarm(f"hold_damaged.{name}", f"hold {name} has links but no description", "find out whose it is, ask for it again")
            return []
        if hold.released_by is not None:
            self._end_release(folder, hold)
            return [hold]
        after = self._pin(folder, hold, limited=True)
        return [after] if after != hold else []

    def _pin(self, folder: HoldFolder, hold: Hold, *, limited: bool = False) -> Hold:
        """Link everything in the range that is there now; record what is new. limited: within the quota."""
        links = self._link_all(folder, hold, limited=limited)
        self._disk.sync_dir(folder.path)
        sizes = {seq: self._disk.stat(folder.path / name).size for seq, name in links.items()}
        fresh = {seq: size for seq, size in sizes.items() if seq not in set(hold.segments)}
        if fresh or not hold.recorded:
            self._journal.append_all(list(_records(hold, fresh)), camera=hold.camera)
        after = replace(hold, segments=sorted(sizes), bytes=sum(sizes.values()), recorded=True)
        if after != hold:
            folder.write(after)
        now = self._clock.read()
        if now.dated and parse_utc(hold.end) + _SETTLED_NS < now.utc_ns and not folder.has_open_links():
            self._settled.add(hold.id)
        return after

    def _link_all(self, folder: HoldFolder, hold: Hold, *, limited: bool) -> dict[int, str]:
        """The links there are now, by number. A segment may be sealed, dated or erased while we look: so look again."""
        links = folder.links()
        for _ in range(_PASSES):
            refs = self._refs(hold)
            if limited and not all(ref.seq in links for ref in refs):
                refs = self._fitting(hold, refs)
            missed = 0
            for ref in refs:
                try:
                    folder.pin(ref, links)
                except NotFound:
                    missed += 1
            if not missed:
                break
        return links

    def _fitting(self, hold: Hold, refs: list[SegmentRef]) -> list[SegmentRef]:
        fitting = self._quota.fitting(refs, self._held())
        if len(fitting) < len(refs):
            text = f"hold {hold.id}: {len(refs) - len(fitting)} segments of its range are over the quota and not held"
            self._alarm(f"hold_quota.{hold.id}", text, "release other holds; the rest is then held if it still exists")
        return fitting

    def _refs(self, hold: Hold) -> list[SegmentRef]:
        return self._reader.segments(hold.camera, parse_utc(hold.start) - _MARGIN_NS, parse_utc(hold.end) + _MARGIN_NS)

    def _held(self) -> dict[int, int]:
        return self._quota.held(self._folders())

    def _end_release(self, folder: HoldFolder, hold: Hold) -> None:
        self._journal.append(HoldReleased(id=hold.id, by=hold.released_by or "", why=hold.released_why), camera=hold.camera)
        self._settled.discard(hold.id)
        folder.drop()

    def _alarm(self, code: str, text: str, todo: str) -> None:
        """Once in this process."""
        if code not in self._alarmed:
            self._journal.append(AlarmRaised(code=code, active=True, severity="critical", text=text, todo=todo))
            self._alarmed.add(code)

    def _read(self, folder: HoldFolder) -> Hold | None:
        try:
            return folder.read()
        except IntegrityError as damaged:
            _log.error("%s", damaged)
            return None

    def _folders(self) -> list[HoldFolder]:
        try:
            names = sorted(entry.name for entry in self._disk.scan(self._root) if entry.is_dir)
        except NotFound:
            return []
        return [self._folder(name) for name in names]

    def _folder(self, id: str) -> HoldFolder:
        return HoldFolder(self._disk, self._root / id)


def _essence(hold: Hold) -> tuple[str, str, str, str]:
    return hold.camera, hold.start, hold.end, hold.case


def _records(hold: Hold, fresh: dict[int, int]) -> Iterable[HoldAdded]:
    """Of at most 32 KiB each: a lock of many segments has several, each with its own segments."""
    seqs = sorted(fresh)
    for first in range(0, max(len(seqs), 1), _SEQS_PER_RECORD):
        group = seqs[first : first + _SEQS_PER_RECORD]
        yield HoldAdded(
            id=hold.id,
            camera_id=hold.camera,
            start=hold.start,
            end=hold.end,
            case=hold.case,
            by=hold.by,
            review=hold.review,
            segments=group,
            bytes=sum(fresh[seq] for seq in group),
        )
