"""At most once, recorded and answered, whatever arrives and whenever the power goes."""

from __future__ import annotations

import contextlib

import pytest

from edge.clock import NS_PER_S
from edge.command.dispatch import COMMAND_MAX_BYTES, HOUR_S, REFUSALS_MAX, REFUSALS_WINDOW_S
from edge.errors import Refused, StorageError
from edge.host.model_disk import Fault, PowerLost
from edge.link.inbox import CommandNews
from edge.messages.wire import CommandClaims, Response
from tests.support.obeying import BOOT, FOLDER, PER_OPERATOR_AND_HOUR, Node


def test_a_command_is_carried_out_recorded_and_answered_with_its_correlation() -> None:
    node = Node()
    assert node.take(node.token()).state == "accepted"
    assert node.done == ["c1"]
    assert node.answers == [("note", Response(id="c1", state="accepted"), b"corr")]
    (record,) = node.records()
    assert (record.id, record.verb, record.operator, record.case, record.state) == ("c1", "note", "a.nowak", "12/26", "accepted")


def test_the_same_bytes_again_give_the_stored_answer_and_nothing_else() -> None:
    node = Node()
    token = node.token()
    node.take(token)
    node.dispatcher.news(Response(id="c1", state="done", text="finished"))
    assert node.take(token).state == "done"
    later = node.again()
    assert later.take(token).state == "done"
    assert (node.done, later.done, len(node.records())) == (["c1"], [], 1)


def test_the_same_news_again_is_neither_stored_nor_told() -> None:
    node = Node()
    node.take(node.token())
    node.dispatcher.news(Response(id="c1", state="running"))
    operations = node.disk.operations
    node.dispatcher.news(Response(id="c1", state="running"))
    assert [answer.state for _, answer, _ in node.answers] == ["accepted", "running"]
    assert node.disk.operations == operations


def test_a_replay_after_a_reboot_and_its_expiry_is_refused() -> None:
    node = Node()
    token = node.token()
    node.take(token)
    node.clock.advance(301)
    assert node.again().take(token).code == "expired"


def test_an_id_stands_for_one_command_only() -> None:
    node = Node()
    node.take(node.token())
    assert node.take(node.token(args={"other": 1})).code == "id_reused"
    assert node.done == ["c1"]


def test_a_newly_signed_copy_of_the_same_command_is_the_same_command() -> None:
    node = Node()
    node.take(node.token())
    node.clock.advance(100)
    assert node.take(node.token()).state == "accepted"
    assert node.done == ["c1"]


def test_what_mqtt_says_around_a_command_must_fit_it() -> None:
    node = Node()
    assert node.take(node.token(), retained=True).code == "retained"
    assert node.take(node.token(), expiry_s=None).code == "no_expiry"
    assert node.take(node.token(), expiry_s=601).code == "no_expiry"
    assert node.take(node.token(), verb="other").code == "wrong_topic"
    assert node.done == []
    assert [record.state for record in node.records()] == ["refused"] * 4


def test_an_unknown_verb_is_refused_and_its_id_is_used_up() -> None:
    node = Node()
    assert node.take(node.token(verb="reboot"), verb="reboot").code == "unknown_verb"
    assert node.ledger.known("c1")


def test_garbage_is_refused_recorded_and_answered() -> None:
    node = Node()
    response = node.take(b"garbage")
    assert (response.id, response.state, response.code) == ("", "refused", "bad_signature")
    assert [record.code for record in node.records()] == ["bad_signature"]


def test_a_storm_of_garbage_does_not_fill_the_journal() -> None:
    node = Node()
    for _ in range(5000):
        node.dispatcher.take(CommandNews("note", b"garbage", False, 60, None))
    assert (len(node.records()), len(node.answers)) == (REFUSALS_MAX, REFUSALS_MAX)
    node.clock.advance(REFUSALS_WINDOW_S + 1)
    node.take(b"garbage")
    assert [record.text for record in node.records()][-2] == f"{5000 - REFUSALS_MAX} more commands were refused"


def test_a_verb_that_refuses_or_fails_is_answered_so_and_not_tried_again() -> None:
    node = Node()
    node.trouble = Refused("busy", "later")
    assert node.take(node.token("c1")).code == "busy"
    node.trouble = StorageError("the disk")
    assert node.take(node.token("c2")).state == "failed"
    node.trouble = None
    assert node.take(node.token("c1")).code == "busy"
    assert node.done == []


def test_an_answer_the_broker_has_not_taken_is_told_again_after_a_restart() -> None:
    node = Node()
    node.take(node.token("c1"))
    node.take(node.token("c2"))
    node.dispatcher.told("c1", Response(id="c1", state="accepted"))
    later = node.again()
    later.dispatcher.tell_again()
    assert [response.id for _, response, _ in later.answers] == ["c2"]


def test_that_an_older_answer_was_taken_does_not_hide_the_newer_one() -> None:
    node = Node()
    node.take(node.token())
    node.dispatcher.news(Response(id="c1", state="done"))
    node.dispatcher.told("c1", Response(id="c1", state="accepted"))
    later = node.again()
    later.dispatcher.tell_again()
    assert [response.state for _, response, _ in later.answers] == ["done"]


def test_nothing_begins_before_the_command_is_on_record() -> None:
    """A journal that takes nothing, on a disk that is well otherwise."""
    node = Node()
    folder = node.journal.folder
    node.journal.close()
    for entry in node.disk.scan(folder):
        node.disk.unlink(folder / entry.name)
    node.disk.rmdir(folder)
    node.disk.create(folder).close()
    node.dispatcher.take(CommandNews("note", node.token(), False, 300, b"corr"))
    assert (node.done, node.begun, node.answers) == (["c1"], [], [])
    node.disk.unlink(folder)
    node.disk.mkdir(folder)
    node.dispatcher.again()
    assert node.begun == ["c1"]
    assert node.answers == [("note", Response(id="c1", state="accepted"), b"corr")]
    assert [record.state for record in node.records()] == ["accepted"]
    node.dispatcher.again()
    assert node.begun == ["c1"]


def test_what_was_accepted_and_not_recorded_begins_at_the_next_start() -> None:
    node = Node()
    node.ledger.take(CommandClaims(id="c1", verb="note", aud="pole-1", iat=0, exp=300, operator="a.nowak", case="12/26"), 0)
    later = node.again()
    later.dispatcher.resume()
    assert later.begun == ["c1"]
    assert [record.state for record in later.records()] == ["accepted"]


def test_a_full_disk_refuses_the_command_instead_of_running_it_untraced() -> None:
    node = Node()
    token = node.token()
    node.disk.fault = Fault(node.disk.operations + 1, "ENOSPC", forever=True)
    assert node.take(token).code == "storage"
    assert node.done == []
    node.disk.fault = None
    assert node.take(token).state == "accepted"


def test_power_cuts_anywhere_never_run_a_command_without_a_trace_and_always_end_answered() -> None:
    """The verb of this test does its thing each time it is called: a real one is idempotent by id, so a second call after a cut is fine -
    but a third message, after the answer was stored, must never reach it."""
    whole = Node()
    whole.take(whole.token())
    for cut in range(1, whole.disk.operations + 2):
        node = Node()
        token = node.token()
        begin = node.disk.operations
        node.disk.fault = Fault(begin + cut, "power")
        with contextlib.suppress(PowerLost):
            node.take(token)
        after = Node(node.disk.power_cut(cut), node.clock)
        after.dispatcher.resume()
        after.take(token)
        assert after.answers[-1][1].state == "accepted"
        assert len(node.done) + len(after.done) in (1, 2)
        done = list(after.done)
        after.take(token)
        assert after.done == done


def test_a_fault_in_a_verb_is_answered_and_ends_no_start() -> None:
    node = Node()
    node.trouble = OverflowError("out of the calendar")
    assert (node.take(node.token()).state, node.take(node.token()).code) == ("failed", "fault")
    node.again().dispatcher.resume()
    assert [record.state for record in node.records()] == ["failed"]


def test_an_operators_quota_holds_over_a_restart_and_a_clock_that_is_set_back() -> None:
    node = Node()
    taken = [node.take(node.token(f"c{number}")).state for number in range(PER_OPERATOR_AND_HOUR)]
    assert set(taken) == {"accepted"}
    later = node.again()
    assert later.take(later.token("more")).code == "quota"
    assert later.take(later.token("more")).code == "quota", "a refused one does not count"
    assert later.take(later.token("other", operator="b.kot")).state == "accepted"
    assert later.take(later.token("c0")).state == "accepted", "the same command again is no new one"
    later.clock.advance(HOUR_S)
    assert later.take(later.token("in an hour".replace(" ", "-"))).state == "accepted"


def test_an_operators_quota_holds_where_no_clock_can_check_the_times_that_are_stated() -> None:
    """Who has the key may state any time then; when a command was taken is the node's own."""
    node = Node()
    node.clock.set_state("untrusted")
    now_s = node.clock.read().utc_ns // NS_PER_S

    def at(number: int) -> dict[str, object]:
        return {"boot": BOOT, "iat": now_s + number * 2 * HOUR_S, "exp": now_s + number * 2 * HOUR_S + 60}

    for number in range(PER_OPERATOR_AND_HOUR):
        assert node.take(node.token(f"c{number}", **at(number))).state == "accepted"
    later = node.again()
    assert later.take(later.token("more", **at(1000))).code == "quota"
    later.clock.advance(HOUR_S - 1)
    assert later.take(later.token("more", **at(1000))).code == "quota"
    later.clock.advance(1)
    assert later.take(later.token("more", **at(1000))).state == "accepted"


def test_what_is_large_of_an_answer_is_forgotten_when_it_was_told() -> None:
    node = Node()
    node.take(node.token())
    large = Response(id="c1", state="done", data={"spans": ["x" * 100] * 100})
    node.dispatcher.news(large)
    node.dispatcher.told("c1", large)
    again = node.take(node.token())
    assert (again.state, again.data) == ("done", {})


def test_an_oversized_command_is_refused_and_recorded_before_anything_looks_at_it() -> None:
    node = Node()
    assert node.take(node.token(args={"camera": "x" * COMMAND_MAX_BYTES})).code == "too_large"
    assert node.take(b"." * 200_000).code == "too_large"
    assert [(record.state, record.code) for record in node.records()] == [("refused", "too_large")] * 2
    assert node.done == []


@pytest.mark.parametrize("damage", [b"{", b'{"claims":{"id":"\xff"}}'])
def test_a_damaged_entry_counts_as_used(damage: bytes) -> None:
    node = Node()
    node.take(node.token())
    node.disk.replace(FOLDER / "c1.json", damage)
    later = node.again()
    assert later.take(later.token()).code == "id_reused"
    assert later.done == []


def test_of_what_is_said_to_all_only_the_harmless_is_obeyed_and_only_there() -> None:
    node = Node()
    to_all = node.token("a1", aud="all", verb="identify")
    assert node.take(to_all, verb="identify", to_all=True).state == "accepted"
    assert node.take(node.token("a2", aud="all"), to_all=True).code == "not_for_all"
    assert node.take(node.token("a3", aud="all", verb="identify"), verb="identify").code == "wrong_audience"
    assert node.take(node.token("a4", verb="identify"), verb="identify", to_all=True).code == "wrong_audience"
    assert node.take(to_all, verb="identify", to_all=True).state == "accepted", "the stored answer"
    assert node.done == ["a1"]
