from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.host.linux_disk import LinuxDisk
from edge.messages.clip import ClipRequest, JobProgress
from edge.upload.jobs import Final, Job, JobStore, Pin
from edge.upload.terms import Terms
from tests.support.command import edge
from tests.support.ondisk import OnDisk, at, make_node


@pytest.fixture
def node(tmp_path: Path) -> OnDisk:
    return make_node(tmp_path)


def store_of(node: OnDisk) -> JobStore:
    return JobStore(LinuxDisk(), node.data / "jobs")


def accepted(node: OnDisk, id: str, terms: Terms | None = None) -> Job:
    request = ClipRequest(id=id, camera="cam0", start=at(0), end=at(4), operator="a.nowak", case="RSOW \x1b[31m12/26")
    return store_of(node).accept(request, b"{}", [Pin(1, node.segments[0])], terms)


def test_a_node_without_jobs_says_so(node: OnDisk) -> None:
    outcome = edge("jobs", "--config", node.config)
    assert (outcome.code, outcome.out, outcome.err) == (0, "there are no clip jobs\n", "")


def test_the_table_tells_what_each_waits_for_and_the_document_has_it_all(node: OnDisk) -> None:
    store = store_of(node)
    waits = accepted(node, "r-1", Terms(urgent=True, deadline="2030-01-01T12:00:00.000Z"))
    store.save_progress(
        waits, JobProgress(id="r-1", state="accepted", total_bytes=5_000_000, place=2, text="waits for the clips before it")
    )
    over = accepted(node, "r-2")
    store.finish(over, Final(progress=JobProgress(id="r-2", state="failed", code="deadline"), manifest=None), lambda: None)

    outcome = edge("jobs", "--config", node.config)
    assert (outcome.code, outcome.err) == (0, "")
    words = " ".join(outcome.out.split())
    for expected in ("accepted !", "0.0 of 5.0 MB", "failed", "deadline"):
        assert expected in words
    assert "\x1b" not in outcome.out

    outcome = edge("jobs", "--config", node.config, "--json")
    document = json.loads(outcome.out)
    assert [(line["id"], line["place"], line["text"]) for line in document["jobs"]] == [
        ("r-1", 2, "waits for the clips before it"),
        ("r-2", 0, ""),
    ]
    assert document["left_out"] == 0


def test_a_job_is_called_off_on_the_node_and_the_journal_has_who_and_why(node: OnDisk) -> None:
    job = accepted(node, "r-1")
    words = ("--config", node.config, "--by", "b.kowal", "--why", "the wrong camera")
    outcome = edge("jobs", "cancel", "r-1", *words)
    assert (outcome.code, outcome.out) == (0, "r-1: called off\n"), outcome.err
    cancellation = store_of(node).cancellation(job)
    assert cancellation is not None
    assert (cancellation.by, cancellation.why, cancellation.id) == ("b.kowal", "the wrong camera", "")
    tail = edge("journal", "tail", "--config", node.config, "--journal", "local", "--json")
    (record,) = [json.loads(line)["record"] for line in tail.out.splitlines()]
    assert (record["type"], record["camera"]) == ("command", "cam0")
    assert record["facts"]["verb"] == "cancel"
    assert (record["facts"]["operator"], record["facts"]["text"]) == ("b.kowal", "the wrong camera")


def test_what_cannot_be_called_off_is_refused(node: OnDisk) -> None:
    outcome = edge("jobs", "cancel", "r-9", "--config", node.config, "--by", "b", "--why", "w")
    assert outcome.code == 77
    assert "there is no clip job r-9" in outcome.err or "'r-9'" in outcome.err
    accepted(node, "r-1")
    outcome = edge("jobs", "cancel", "r-1", "--config", node.config, "--by", "b", "--why", " ")
    assert outcome.code == 77
    assert "why must be 1 to 200 printable characters" in outcome.err
