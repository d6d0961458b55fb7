"""What may be asked of a clip, and what becomes of an order to call one off: without a broker, on a disk in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from edge.clip.shape import FragmentRange, Plan, PlanPart, PlanSegment
from edge.clock import ManualClock, format_utc
from edge.command.clip import ClipSource, ClipVerb
from edge.command.jobs import CancelVerb, JobList
from edge.errors import Refused
from edge.host.model_disk import ModelDisk
from edge.messages.clip import ClipRequest, JobProgress
from edge.messages.wire import CommandClaims, Response
from edge.upload.jobs import Final, JobStore, Pin
from edge.upload.terms import Terms

SEGMENT = Path("/data/ring/7.mp4")
DEADLINE_S = 72 * 3600.0


def plan_of(request: ClipRequest) -> Plan:
    part = PlanPart(
        span="boot/1",
        codec="h264",
        width=64,
        height=48,
        params_sha256="",
        fragments=[FragmentRange(seq=7, first=0, last=1)],
        closing=None,
        edit_start_ticks=0,
        edit_duration_ticks=1,
        asked_start_utc_ns=0,
        asked_end_utc_ns=1,
        delivered_start_utc_ns=0,
        delivered_end_utc_ns=1,
        frames=1,
        clock="trusted",
    )
    segment = PlanSegment(seq=7, path=str(SEGMENT), start_utc_ns=0, dated=True)
    return Plan(camera=request.camera, start_utc_ns=0, end_utc_ns=1, segments=[segment], parts=[part], gaps=[])


class Counter:
    """A node that answers, with one segment in its ring."""

    def __init__(self, *, deadline_s: float | None = DEADLINE_S, bytes_of_disk: int = 100_000_000_000) -> None:
        disk = ModelDisk(bytes_of_disk)
        disk.mkdir(SEGMENT.parent)
        disk.create(SEGMENT).close()
        self.clock = ManualClock()
        self.store = JobStore(disk, Path("/data/jobs"))
        self.told: list[str] = []
        source = ClipSource({"cam0": 4000}, plan_of, lambda request: [Pin(7, SEGMENT)], deadline_s, "this-boot")
        self.clip = ClipVerb(source, self.store, self.clock)
        self.cancel = CancelVerb(self.store, self.clock, self.told.append)

    def at(self, seconds: float) -> str:
        return format_utc(self.clock.read().utc_ns + round(seconds * 1e9))

    def claims(self, id: str, verb: str, args: Mapping[str, object]) -> CommandClaims:
        return CommandClaims(id=id, verb=verb, aud="pole-1", iat=0, exp=1, operator="a.nowak", case="12/26", args=dict(args))

    def ask(self, first_s: float = -120, last_s: float = -60, id: str = "r-1", **more: object) -> Response:
        return self.clip(self.claims(id, "clip", {"camera": "cam0", "start": self.at(first_s), "end": self.at(last_s), **more}))

    def terms(self, id: str = "r-1") -> Terms:
        job = self.store.get(id)
        assert job is not None
        return job.terms

    def call_off(self, id: str = "r-1", why: str = "the wrong camera") -> Response:
        return self.cancel(self.claims("c-1", "cancel", {"id": id, "why": why}))


def code_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.code


def test_a_clip_of_the_past_is_planned_at_once_and_has_the_configured_deadline() -> None:
    counter = Counter()
    assert counter.ask() == Response(id="r-1", state="accepted")
    job = counter.store.get("r-1")
    assert job is not None
    assert (job.planned, job.terms.awaits, job.terms.urgent) == (True, False, False)
    assert (job.terms.within_s, job.terms.deadline) == (DEADLINE_S, "")


def test_an_end_ahead_is_accepted_with_until_when_it_waits_and_the_deadline_begins_then() -> None:
    counter = Counter()
    answer = counter.ask(-60, 600, deadline=2)
    assert (answer.state, answer.text) == ("accepted", f"waits until {counter.at(600)}, when the footage asked for is recorded")
    job = counter.store.get("r-1")
    assert job is not None
    assert (job.planned, job.plan) == (False, b"")
    assert counter.store.pinned_seqs(job) == {7}
    assert job.terms.within_s == pytest.approx(600 + 7200)
    assert job.terms.deadline == counter.at(600 + 7200)
    assert counter.ask(-60, 600, deadline=2) == answer, "the same id again is the same job"


def test_an_end_more_than_a_day_ahead_is_refused() -> None:
    counter = Counter()
    assert counter.ask(86_000, 86_400).state == "accepted", "the beginning may lie ahead too"
    with pytest.raises(Refused, match=r"24\.0 h in the future, at most 24 h") as refused:
        counter.ask(86_000, 86_401, id="r-2")
    assert code_of(refused) == "bad_range"


def test_footage_that_would_be_too_much_to_keep_is_refused_before_it_is_recorded() -> None:
    counter = Counter(bytes_of_disk=1_000_000_000)
    counter.ask(-10, 300)
    with pytest.raises(Refused) as refused:
        counter.ask(-10, 300, id="r-2")
    assert code_of(refused) == "clip_quota", "two times 155 MB are more than a quarter, though nothing is on the disk yet"


@pytest.mark.parametrize(("deadline", "within_s"), [(1, 3600.0), (0.5, 1800.0), (72, DEADLINE_S), ("+900", 900.0), ("+259200", DEADLINE_S)])
def test_a_deadline_is_hours_or_an_instant(deadline: float | str, within_s: float) -> None:
    counter = Counter()
    asked = counter.at(float(deadline)) if isinstance(deadline, str) else deadline
    counter.ask(deadline=asked)
    assert counter.terms().within_s == pytest.approx(within_s)
    assert counter.terms().deadline == counter.at(within_s)


@pytest.mark.parametrize(
    ("deadline", "last_s"), [(0, -60), (-1, -60), (72.1, -60), ("+0", -60), ("+259201", -60), ("+599", 600), ("soon", -60)]
)
def test_a_deadline_that_is_over_too_late_or_before_the_footage_is_refused(deadline: float | str, last_s: float) -> None:
    counter = Counter()
    asked = counter.at(float(deadline)) if isinstance(deadline, str) and deadline.startswith("+") else deadline
    with pytest.raises(Refused) as refused:
        counter.ask(-120, last_s, deadline=asked)
    assert code_of(refused) == "bad_deadline"
    assert counter.store.open_jobs() == []


def test_a_node_whose_clock_is_not_set_takes_hours_but_no_instant_and_waits_for_nothing() -> None:
    counter = Counter()
    counter.clock.set_state("untrusted")
    with pytest.raises(Refused) as refused:
        counter.ask(deadline=counter.at(900))
    assert code_of(refused) == "clock_untrusted"
    counter.ask(-60, 600, deadline=1)
    assert (counter.terms().awaits, counter.terms().within_s, counter.terms().deadline) == (False, 3600.0, "")


@pytest.mark.parametrize("more", [{"urgent": "yes"}, {"deadline": True}, {"deadline": None}, {"place": 1}])
def test_arguments_of_another_form_are_refused(more: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        Counter().ask(-120, -60, "r-1", **more)
    assert code_of(refused) == "bad_args"


def test_a_job_is_called_off_once_and_for_good() -> None:
    counter = Counter()
    counter.ask()
    assert counter.call_off().state == "done"
    job = counter.store.get("r-1")
    assert job is not None
    first = counter.store.cancellation(job)
    assert first is not None
    assert (first.by, first.why, first.id) == ("a.nowak", "the wrong camera", "c-1")
    assert counter.call_off(why="again").state == "done"
    assert counter.store.cancellation(job) == first
    assert counter.told == ["r-1", "r-1"]


@pytest.mark.parametrize(("id", "why", "code"), [("r-2", "x", "unknown_job"), ("../r-1", "x", "unknown_job"), ("r-1", "", "bad_words")])
def test_what_cannot_be_called_off_is_refused(id: str, why: str, code: str) -> None:
    counter = Counter()
    counter.ask()
    with pytest.raises(Refused) as refused:
        counter.call_off(id, why)
    assert code_of(refused) == code
    assert counter.told == []


def test_a_job_that_is_over_cannot_be_called_off() -> None:
    counter = Counter()
    counter.ask()
    [job] = counter.store.open_jobs()
    counter.store.finish(job, Final(progress=JobProgress(id="r-1", state="done"), manifest=None), lambda: None)
    with pytest.raises(Refused, match="done already") as refused:
        counter.call_off()
    assert code_of(refused) == "ended"


def test_a_node_that_delivers_nothing_says_so() -> None:
    counter = Counter(deadline_s=None)
    with pytest.raises(Refused) as refused:
        counter.ask()
    assert code_of(refused) == "no_upload"
    with pytest.raises(Refused) as refused:
        CancelVerb(counter.store, counter.clock, None)(counter.claims("c-1", "cancel", {"id": "r-1", "why": "x"}))
    assert code_of(refused) == "no_upload"


def test_the_list_has_the_open_jobs_and_the_last_ones_that_ended() -> None:
    counter = Counter()
    for number in range(5):
        counter.ask(id=f"r-{number}", urgent=number == 4)
    for job in counter.store.open_jobs()[:3]:
        counter.store.finish(job, Final(progress=JobProgress(id=job.id, state="failed", code="deadline"), manifest=None), lambda: None)
    counter.call_off("r-3")
    answer = JobList(counter.store).do(counter.claims("j-1", "jobs", {"recent": 2})).response
    assert answer.data["left_out"] == 1
    assert [(line["id"], line["state"]) for line in answer.data["jobs"]] == [
        ("r-3", "accepted"),
        ("r-4", "accepted"),
        ("r-2", "failed"),
        ("r-1", "failed"),
    ]
    assert [line["cancelled_by"] for line in answer.data["jobs"]] == ["a.nowak", "", "", ""]
    assert [line["urgent"] for line in answer.data["jobs"]] == [False, True, False, False]
    assert answer.data["jobs"][2]["code"] == "deadline"
    with pytest.raises(Refused):
        JobList(counter.store).check(counter.claims("j-2", "jobs", {"recent": "all"}))
