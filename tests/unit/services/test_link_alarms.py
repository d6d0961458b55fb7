"""What the node says about its own link: refused, not trusted, deaf, or soon without a certificate."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from edge.clock import ManualClock, utc_datetime
from edge.config.model import Camera, Mqtt, Node, NodeConfig
from edge.config.on_request import Upload
from edge.journal.reader import JournalReader
from edge.link.port import Cause, Connected, Subscribed, Unreachable
from edge.messages.records import AlarmRaised, facts_of
from edge.services.agent_alarms import CAUSES, REFUSED_AFTER_S, LinkAlarms
from edge.services.link_certificates import CODE, DAYS, CertificateWatch
from tests.support.certificates import Authority
from tests.support.lanes import JournalBench

DAY_S = 86_400.0


def alarms_of(bench: JournalBench) -> list[AlarmRaised]:
    return [facts_of(line.record, AlarmRaised) for line in JournalReader(bench.disk, bench.folder).read()]


def failed(cause: Cause, text: str = "the broker refuses this node's certificate: revoked") -> Unreachable:
    return Unreachable(0, text, 1.0, cause)


def connected(*refused: tuple[str, int]) -> Connected:
    return Connected(1, False, 20, None, refused)


@pytest.mark.parametrize(("cause", "code"), [(cause, code) for cause, (code, _) in CAUSES.items()])
def test_a_refusal_that_lasts_is_an_alarm_in_the_brokers_words_until_a_connection_comes_about(cause: Cause, code: str) -> None:
    bench = JournalBench("agent")
    alarms = LinkAlarms(bench.writer, [], 0.0)
    alarms.unreachable(failed(cause), 100.0)
    alarms.look([], 100.0 + REFUSED_AFTER_S - 1)
    assert alarms_of(bench) == []
    alarms.unreachable(failed("", "no connection: timed out"), 110.0)
    alarms.unreachable(failed(cause, "in other words"), 120.0)
    alarms.look([], 100.0 + REFUSED_AFTER_S)
    alarms.look([], 100.0 + REFUSED_AFTER_S + 5)
    (alarm,) = alarms_of(bench)
    assert (alarm.code, alarm.active, alarm.severity, alarm.text) == (code, True, "critical", "in other words")
    alarms.connected(connected())
    assert [(each.code, each.active) for each in alarms_of(bench)] == [(code, True), (code, False)]


def test_a_refusal_that_passes_and_a_broker_that_is_away_are_no_alarm() -> None:
    bench = JournalBench("agent")
    alarms = LinkAlarms(bench.writer, [], 0.0)
    alarms.unreachable(failed("refused"), 0.0)
    alarms.connected(connected())
    alarms.unreachable(failed(""), 10.0)
    alarms.look([], 1000.0)
    assert alarms_of(bench) == []


def test_a_refusal_raised_before_a_restart_stands_until_a_connection_comes_about() -> None:
    bench = JournalBench("agent")
    standing = AlarmRaised(code="link_refused", active=True, severity="critical", text="revoked")
    alarms = LinkAlarms(bench.writer, [standing], 0.0)
    alarms.look([], 1000.0)
    assert alarms_of(bench) == []
    alarms.connected(connected())
    assert [(each.code, each.active) for each in alarms_of(bench)] == [("link_refused", False)]


def test_a_refused_subscription_is_named_and_clears_when_it_is_granted() -> None:
    bench = JournalBench("agent")
    alarms = LinkAlarms(bench.writer, [], 0.0)
    alarms.connected(connected(("town/v1/pole-1/cmd/+", 0x87)))
    alarms.subscribed(Subscribed(1, (("town/v1/pole-1/cmd/+", 0x87),)))
    (alarm,) = alarms_of(bench)
    assert (alarm.code, alarm.active) == ("link_subscription_refused", True)
    assert "town/v1/pole-1/cmd/+ (0x87)" in alarm.text
    alarms.subscribed(Subscribed(1, ()))
    assert not alarms_of(bench)[-1].active


def config_of(certificate: Path) -> NodeConfig:
    return NodeConfig(
        node=Node(id="pole-1", data="/data"),
        camera=[Camera(id="cam0", source="synthetic:")],
        mqtt=Mqtt(host="broker.example", certificate=str(certificate)),
        upload=Upload(url="https://clips.example/files", certificate=str(certificate)),
    )


def test_a_certificate_is_told_thirty_days_before_its_end_again_at_its_end_and_no_more_once_renewed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    clock = ManualClock()

    def in_days(days: float) -> datetime.datetime:
        return utc_datetime(clock.read().utc_ns) + datetime.timedelta(days=days)

    certificate, _ = authority.issue("pole-1", until=in_days(DAYS + 1))
    watch, bench = CertificateWatch(config_of(certificate), clock), JournalBench("agent")
    alarms = LinkAlarms(bench.writer, [], 0.0)

    def told() -> list[tuple[str, bool, str]]:
        watch.look(alarms.set)
        return [(each.code, each.active, each.severity) for each in alarms_of(bench)]

    assert told() == []
    clock.advance(2 * DAY_S)
    warned = [(code, True, "warning") for code in (CODE, f"{CODE}.upload")]
    assert told() == told() == warned
    assert alarms_of(bench)[0].value == pytest.approx(DAYS - 1, abs=0.1)
    clock.advance(DAYS * DAY_S)
    assert told() == warned + [(code, True, "critical") for code in (CODE, f"{CODE}.upload")]
    certificate.write_bytes(b"half a certificate")
    assert len(told()) == 4
    authority.issue("pole-1", until=in_days(825))
    assert told()[4:] == [(code, False, "critical") for code in (CODE, f"{CODE}.upload")]
