from __future__ import annotations

from zoneinfo import ZoneInfo

from edge.audit.custody import custody_log
from edge.audit.custody_page import custody_page
from edge.clock import NS_PER_S, format_utc, parse_utc
from edge.messages.audit import CustodyEntry, CustodyLog
from edge.messages.evidence import Decommission, Exported, ExportedFile, Viewed
from edge.messages.records import ClipDone, Command, Erase, Facts, HoldAdded, HoldReleased, Stop
from tests.support.written_months import WrittenJournal, WrittenNode

WARSAW = ZoneInfo("Europe/Warsaw")
NOON = parse_utc("2026-11-22T11:00:00Z")
MINUTE = 60 * NS_PER_S
DAY = 1440 * MINUTE
FROM, TO = format_utc(NOON - MINUTE), format_utc(NOON)


def log_of(start_ns: int = NOON - DAY, end_ns: int = NOON + DAY, **journals: WrittenJournal) -> CustodyLog:
    named = {name.replace("__", "."): journal for name, journal in journals.items()}
    return custody_log("pole-1", "Rynek", "node", WARSAW, WrittenNode(named), start_ns, end_ns, end_ns)


def one_of_each() -> list[Facts]:
    files = [ExportedFile(name="a.mp4", bytes=10, sha256="ab" * 32)]
    return [
        Viewed(operator="a.nowak", case="RSOW 1/26", what="snapshot", camera_id="cam0", start=FROM, end=TO),
        Exported(
            id="x1",
            operator="a.nowak",
            case="RSOW 1/26",
            recipient="KMP Łódź",
            basis="art. 15",
            camera_id="cam0",
            start=FROM,
            end=TO,
            files=files,
            how="file",
        ),
        HoldAdded(id="h1", camera_id="cam0", start=FROM, end=TO, case="RSOW 1/26", by="a.nowak", review=None, segments=[1, 2], bytes=20),
        HoldReleased(id="h1", by="k.lis", why="handed over"),
        Command(id="c1", verb="clip", operator="b.kot", case="RSOW 2/26", state="refused", code="quota", text="too many"),
        ClipDone(id="c2", state="done", files=[{"name": "b.mp4", "sha256": "cd" * 32}]),
        Decommission(node="pole-1", by="a.nowak", why="taken down", state="begun", journals="kept"),
        Stop(reason="asked to"),
    ]


def written(facts: list[Facts], camera: str = "cam0") -> WrittenJournal:
    journal = WrittenJournal(camera)
    for number, each in enumerate(facts):
        journal.put(each, NOON + number * MINUTE)
    return journal


def erased(seq: int, at_ns: int, reason: str = "age", *, early: bool = False, policy: str = "30 days") -> tuple[Erase, int]:
    start, end = format_utc(NOON - 30 * DAY + seq * MINUTE), format_utc(NOON - 30 * DAY + (seq + 1) * MINUTE)
    facts = Erase(seq=seq, name=f"{seq}", start=start, end=end, bytes=1, sha256="", reason=reason, policy=policy, early=early)  # type: ignore[arg-type]
    return facts, at_ns


def test_each_kind_says_who_which_case_and_what() -> None:
    entries = log_of(local=written(one_of_each())).entries
    assert [entry.kind for entry in entries] == ["view", "export", "hold", "release", "command", "clip", "decommission"]
    view, export, hold, release, command, clip, wiped = entries
    assert (view.who, view.case, view.camera, view.start, view.end, view.text) == ("a.nowak", "RSOW 1/26", "cam0", FROM, TO, "snapshot")
    assert (export.recipient, export.id, export.state) == ("KMP Łódź", "x1", "file")
    assert "art. 15; a.mp4 10 B sha256 abab" in export.text
    assert (hold.who, hold.case, hold.id) == ("a.nowak", "RSOW 1/26", "h1")
    assert (release.who, release.text) == ("k.lis", "handed over")
    assert (command.who, command.case, command.state, command.text) == ("b.kot", "RSOW 2/26", "refused", "clip quota too many")
    assert "cdcd" in clip.text
    assert (wiped.who, wiped.state, wiped.text) == ("a.nowak", "begun", "taken down")
    assert (view.t, view.local) == ("2026-11-22T11:00:00.000Z", "2026-11-22 12:00:00")


def test_entries_of_all_journals_stand_in_one_order_and_only_those_of_the_period() -> None:
    local, agent = written(one_of_each()[:1]), WrittenJournal("")
    for at_ns in (NOON - 2 * DAY, NOON - MINUTE, NOON + MINUTE, NOON + 3 * DAY):
        agent.put(Command(id=f"{at_ns}", verb="hold", operator="x", case="y", state="done"), at_ns)
    found = log_of(local=local, agent=agent)
    assert [(entry.journal, entry.kind) for entry in found.entries] == [("agent", "command"), ("local", "view"), ("agent", "command")]


def test_erasures_are_summed_up_by_day_reason_and_policy() -> None:
    journal = WrittenJournal("cam0")
    for number in range(100):
        journal.put(*erased(number, NOON + number * NS_PER_S))
    journal.put(*erased(100, NOON + 200 * NS_PER_S, "space", early=True))
    journal.put(*erased(101, NOON + DAY - MINUTE))
    found = log_of(recorder__cam0=journal).entries
    assert [(entry.kind, entry.state, entry.count) for entry in found] == [
        ("erase", "age", 100),
        ("erase", "space early", 1),
        ("erase", "age", 1),
    ]
    assert (found[0].start, found[0].end) == (erased(0, 0)[0].start, erased(99, 0)[0].end)
    assert found[0].seq == 100
    assert sum(entry.count for entry in found) == 102


def test_a_changed_or_missing_line_is_said_and_the_rest_is_shown() -> None:
    journal = written(one_of_each())
    journal.raws[3] = journal.raws[3].replace(b"handed over", b"handed 0ver")
    found = log_of(local=journal)
    assert not found.journals[0].whole
    assert found.journals[0].faults == ["record 5 does not continue the line before it"]
    assert len(found.entries) == 7
    del journal.raws[4]
    assert log_of(local=journal).journals[0].faults == ["records 5 to 5 are missing or cannot be read"]


def test_a_record_by_an_untrusted_clock_is_shown_wherever_it_may_belong_and_marked() -> None:
    view = one_of_each()[0]
    never = WrittenJournal("")
    never.put(view, 0, "untrusted")
    between = WrittenJournal("")
    between.put(Stop(reason="x"), NOON - 9 * DAY)
    between.put(view, 0, "untrusted")
    between.put(Stop(reason="x"), NOON + 9 * DAY)
    since = WrittenJournal("")
    since.put(Stop(reason="x"), NOON - 9 * DAY)
    since.put(view, 0, "untrusted")
    for journal in (never, between, since):
        assert [(entry.kind, entry.clock) for entry in log_of(local=journal).entries] == [("view", "untrusted")]
        assert "clock not trusted" in custody_page(log_of(local=journal), "en")
    for start_ns in (NOON - 11 * DAY, NOON + 10 * DAY):
        assert log_of(start_ns, start_ns + DAY, local=between).entries == []


def test_the_page_says_it_in_both_languages_and_trusts_no_text() -> None:
    facts = Viewed(operator="<script>x", case="<b>", what="snapshot", camera_id="cam0", start=FROM, end=TO)
    log = log_of(local=written([facts, *one_of_each()]))
    polish, english = custody_page(log, "pl"), custody_page(log, "en")
    assert "Rejestr dostępu do nagrań" in polish
    assert "podgląd" in polish
    assert "Custody log" in english
    for page in (polish, english):
        assert "<script" not in page
        assert "&lt;script&gt;x" in page
        assert "KMP Łódź" in page
        assert log.journals[0].head_sha256 in page
    assert "Nothing was recorded" in custody_page(log_of(), "en")


def test_the_hash_of_an_entry_is_that_of_its_line() -> None:
    journal = written(one_of_each())
    from hashlib import sha256

    entry: CustodyEntry = log_of(local=journal).entries[2]
    assert entry.sha256 == sha256(journal.raws[entry.seq - 1]).hexdigest()
