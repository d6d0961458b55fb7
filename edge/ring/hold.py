"""Evidence locks: footage of a time range stays until someone releases it, and says why.

A lock is a folder of hard links: the sweep sees the link count and passes the segments over. Until they are linked it is the range in
hold.json that the sweep passes over (held_ranges.py), so a range may reach into the future and nothing waits for this code. Order of
making: hold.json (what is wanted), links, record in the journal, hold.json (what is there). Order of release: hold.json (decided), record,
links, folder. Whatever interrupts either, `refresh` ends it, in the agent or by the local tool without any network.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from msgspec.structs import replace

from edge.clock import NS_PER_MS, NS_PER_S, Clock, format_utc, parse_utc
from edge.errors import IntegrityError, NotFound, Refused, StorageError
from edge.host.disk import Disk
from edge.journal.writer import JournalWriter
from edge.messages.hold import Hold
from edge.messages.records import HoldAdded, HoldReleased
from edge.ring.held_ranges import MARGIN_NS
from edge.ring.hold_folder import HoldFolder
from edge.ring.hold_quota import HoldQuota
from edge.ring.hold_request import HoldRequest, check_text, checked, is_id, told
from edge.ring.query import RingReader, SegmentRef

_log = logging.getLogger(__name__)

_SETTLED_NS = 3600 * NS_PER_S
_PASSES = 4
_SEQS_PER_RECORD = 2000


class Holds:
    """One thread. `journal` is the caller's own; `reader` looks at the same data partition. rates_kbps: configured rates by camera, for the
    quota of footage that is still to come. turn: waits until no other process writes hold/ (the agent and the local tool both do), and
    raises TryAgain when that takes too long; so do add, release and refresh then."""

    def __init__(
        self,
        disk: Disk,
        data: Path,
        journal: JournalWriter,
        clock: Clock,
        reader: RingReader,
        quota_percent: float = 25.0,
        rates_kbps: Mapping[str, int] | None = None,
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._disk = disk
        self._root = data / "hold"
        self._journal = journal
        self._clock = clock
        self._reader = reader
        self._turn = turn
        self._quota = HoldQuota(disk, data, reader, quota_percent, rates_kbps or {})
        self._settled: dict[str, tuple[int, int]] = {}
        """Holds with nothing to come -> inode and time of the description this is known of."""
        self.troubles: dict[str, tuple[str, str]] = {}
        """Of the last `refresh`: code of an alarm -> what is wrong, what to do."""

    def add(self, request: HoldRequest) -> Hold:
        """Lock a range; asked again, the same lock. Raises Refused (bad_id, bad_text, bad_range, bad_review, unknown_camera, hold_exists,
        hold_quota), StorageError (what was begun is ended by asking again, or by `refresh`), IntegrityError (a damaged hold.json)."""
        now = self._clock.read()
        wanted = checked(request, self._reader.cameras(), now, self._journal.boot)
        with self._alone():
            return self._add(wanted, now.utc_ns)

    def _add(self, wanted: Hold, now_ns: int) -> Hold:
        folder = self._folder(wanted.id)
        present = folder.read()
        if present is not None and present.released_by is not None:
            self._end_release(folder, present)
            present = None
        is_new = present is None
        if present is None:
            self._quota.check(wanted, self._refs(wanted), self._held(), self.holds(), now_ns)
            present = self._without_what_is_due(wanted)
            folder.write(present)
        elif _essence(present) != _essence(wanted):
            raise Refused("hold_exists", f"hold {wanted.id} exists with another range, camera or case", remedy="choose another id")
        return self._pin(folder, present, limited=not is_new)

    def holds(self) -> list[Hold]:
        """All locks in force, by id. Those on their way out, half-made or damaged ones are not among them."""
        found = (self._read(folder) for folder in self._folders())
        return [hold for hold in found if hold is not None and hold.released_by is None]

    def incomplete(self) -> list[str]:
        """Ids of folders whose description is missing or does not read; their links, if any, still pin footage."""
        return [told(folder.path.name) for folder in self._folders() if self._read(folder) is None]

    def past_review(self) -> list[Hold]:
        """Locks someone should look at by now."""
        now_ns = self._clock.read().utc_ns
        return [hold for hold in self.holds() if hold.review is not None and parse_utc(hold.review) <= now_ns]

    def held_bytes(self) -> int:
        """What holds pin; a segment in two of them counts once."""
        return sum(self._held().values())

    def quota_bytes(self) -> int:
        return self._quota.total_bytes()

    def release(self, id: str, by: str, why: str, case: str = "") -> None:
        """Record who, why and for which case (the hold's own where none is named), then let go. Raises Refused (bad_text, unknown_hold),
        StorageError (`refresh` ends it), IntegrityError."""
        check_text(by, why, *([case] if case else []))
        with self._alone():
            folder = self._folder(id)
            hold = folder.read() if is_id(id) else None
            if hold is None:
                raise Refused("unknown_hold", f"there is no hold {id[:80]!r}")
            if hold.released_by is None:
                words = {"released_by": by, "released_why": why, "released_case": case or hold.case}
                hold = replace(hold, **words, segments=[], bytes=0)
                folder.write(hold)
            self._end_release(folder, hold)

    def refresh(self) -> list[Hold]:
        """Complete what was interrupted and link what was recorded since; the locks that changed. To be called at start-up, then twice a
        minute. One lock's trouble keeps no other from its footage: raises the first StorageError after all were tried."""
        changed: list[Hold] = []
        refused: StorageError | None = None
        self.troubles = {}
        for folder in self._folders():
            try:
                if folder.version() == self._settled.get(folder.path.name, ()):
                    continue
                with self._alone():
                    changed += self._refresh(folder)
            except StorageError as error:
                _log.error("hold %s: cannot be completed now: %s", told(folder.path.name), error)
                refused = refused or error
        if refused is not None:
            raise refused
        return changed

    def _refresh(self, folder: HoldFolder) -> list[Hold]:
        name = told(folder.path.name)
        try:
            hold = folder.read()
        except IntegrityError as damaged:
            self.troubles[f"hold_damaged.{name}"] = told(str(damaged)), "copy what it links to and remove it by hand"
            return []
        if hold is None:
            if folder.is_empty():
                folder.drop()
            else:
                text, todo = f"hold {name} has links but no description", "find out whose it is, ask for it again"
                self.troubles[f"hold_damaged.{name}"] = text, todo
            return []
        if hold.released_by is not None:
            self._end_release(folder, hold)
            return [hold]
        after = self._pin(folder, self._by_true_clock(hold), limited=True)
        return [after] if after != hold else []

    def _by_true_clock(self, hold: Hold) -> Hold:
        """A range told by this boot's unset clock moves with the footage, once the clock is set."""
        now = self._clock.read()
        if hold.boot != self._journal.boot or hold.boot_offset_ms is None or not now.dated:
            return hold
        shift_ns = now.offset_ns - hold.boot_offset_ms * NS_PER_MS
        start, end, added = (format_utc(parse_utc(text) + shift_ns) for text in (hold.start, hold.end, hold.added))
        return replace(hold, start=start, end=end, added=added, boot="", boot_offset_ms=None, recorded=False)

    def _without_what_is_due(self, wanted: Hold) -> Hold:
        """What should have been destroyed by now cannot be held any more, whether the sweep has come to it or not."""
        due_ms = self._reader.due_before_ms(wanted.camera)
        if due_ms is None or parse_utc(wanted.start) - MARGIN_NS > due_ms * NS_PER_MS:
            return wanted
        return replace(wanted, since=format_utc(due_ms * NS_PER_MS))

    def _pin(self, folder: HoldFolder, hold: Hold, *, limited: bool = False) -> Hold:
        """Link everything in the range that is there now; record what is new. limited: within the quota."""
        links, beyond = self._link_all(folder, hold, limited=limited)
        self._disk.sync_dir(folder.path)
        sizes = {seq: self._disk.stat(folder.path / name).size for seq, name in links.items()}
        fresh = {seq: size for seq, size in sizes.items() if seq not in set(hold.segments)}
        if fresh or not hold.recorded:
            self._journal.append_all(list(_records(hold, fresh)), camera=hold.camera)
        after = replace(hold, segments=sorted(sizes), bytes=sum(sizes.values()), recorded=True, beyond=beyond)
        if after != hold:
            folder.write(after)
        if self._is_settled(folder, after) and (version := folder.version()):
            self._settled[hold.id] = version
        return after

    def _is_settled(self, folder: HoldFolder, hold: Hold) -> bool:
        """Nothing is to come any more."""
        now = self._clock.read()
        if not now.dated or hold.boot or hold.beyond is not None:
            return False
        return parse_utc(hold.end) + _SETTLED_NS < now.utc_ns and not folder.has_open_links()

    def _link_all(self, folder: HoldFolder, hold: Hold, *, limited: bool) -> tuple[dict[int, str], int | None]:
        """The links there are now, by number, and the first number that is over the quota. A segment may be sealed, dated or erased while
        we look: so look again."""
        links, beyond = folder.links(), None
        for _ in range(_PASSES):
            refs = self._refs(hold)
            if limited and not all(ref.seq in links for ref in refs):
                refs, beyond = self._fitting(hold, refs)
            missed = 0
            for ref in refs:
                try:
                    folder.pin(ref, links)
                except NotFound:
                    missed += 1
            if not missed:
                break
        return links, beyond

    def _fitting(self, hold: Hold, refs: list[SegmentRef]) -> tuple[list[SegmentRef], int | None]:
        """Those that fit, and the number of the first that does not."""
        fitting = self._quota.fitting(refs, self._held())
        left = sorted({ref.seq for ref in refs} - {ref.seq for ref in fitting})
        if not left:
            return fitting, None
        text = f"hold {hold.id}: {len(left)} segments of its range, from {left[0]} on, are over the quota and not held"
        self.troubles[f"hold_quota.{hold.id}"] = text, "release other holds; the rest is then held if it still exists"
        return fitting, left[0]

    def _refs(self, hold: Hold) -> list[SegmentRef]:
        return self._reader.segments(hold.camera, parse_utc(hold.start) - MARGIN_NS, parse_utc(hold.end) + MARGIN_NS)

    def _held(self) -> dict[int, int]:
        return self._quota.held(self._folders())

    def _end_release(self, folder: HoldFolder, hold: Hold) -> None:
        released = HoldReleased(id=hold.id, by=hold.released_by or "", why=hold.released_why, case=hold.released_case)
        self._journal.append(released, camera=hold.camera)
        self._settled.pop(hold.id, None)
        folder.drop()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._disk.mkdir(self._root)
        with self._turn():
            yield

    def _read(self, folder: HoldFolder) -> Hold | None:
        try:
            return folder.read()
        except IntegrityError as damaged:
            _log.error("%s", told(str(damaged)))
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
