"""Back-off, addresses, TLS rules, session numbers, and what arrives in the inbox."""

from __future__ import annotations

import random
import socket
import ssl
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.model import Mqtt
from edge.errors import ConfigError, TryAgain
from edge.host.model_disk import Fault, ModelDisk
from edge.link import inbox
from edge.link.backoff import STABLE_S, Backoff
from edge.link.dial import Addresses, cause_of
from edge.link.port import Incoming
from edge.link.session import SessionNumber
from edge.link.settings import settings_of
from edge.messages.wire import Ack, Status, Watermark


def incoming(topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = 60) -> Incoming:
    return Incoming(1, 1, topic, payload, 1, retain, expiry_s, None)


def test_waits_are_spread_over_the_whole_interval_and_stay_below_the_limit() -> None:
    source = random.Random(7)
    waits = [[backoff.wait_s() for _ in range(12)] for backoff in (Backoff(300.0, source.uniform) for _ in range(400))]
    assert all(0 <= wait <= 300 for node in waits for wait in node)
    last = sorted(node[-1] for node in waits)
    assert last[0] < 30
    assert last[-1] > 270
    assert 120 < last[200] < 180


def test_a_stable_connection_makes_the_waits_short_again_and_one_that_drops_at_once_does_not() -> None:
    backoff = Backoff(300.0, lambda low, high: high)
    assert [backoff.wait_s() for _ in range(5)] == [1, 2, 4, 8, 16]
    backoff.lasted(0.9)
    assert backoff.wait_s() == 32
    backoff.lasted(STABLE_S)
    assert backoff.wait_s() == 1


def test_a_link_that_is_cut_every_few_seconds_is_used_in_between() -> None:
    backoff = Backoff(300.0, lambda low, high: high)
    for _ in range(8):
        backoff.wait_s()
    waits = []
    for _ in range(10):
        backoff.lasted(5.0)
        waits.append(backoff.wait_s())
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] == 1


def test_a_failing_resolver_leaves_the_last_good_address(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = Addresses("127.0.0.1", 1883)
    assert addresses.next() == "127.0.0.1"

    def fail(*_: object, **__: object) -> None:
        raise OSError("the resolver is away")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert addresses.next() == "127.0.0.1"
    with pytest.raises(TryAgain, match="does not resolve"):
        Addresses("broker.example", 1883).next()


def test_plain_text_to_another_machine_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="plain text"):
        settings_of(Mqtt(host="broker.example", tls=False), "pole-1")
    assert settings_of(Mqtt(host="127.0.0.1", tls=False), "pole-1").tls is None
    assert settings_of(Mqtt(host="broker.example"), "pole-1").tls is not None


def test_certificates_that_cannot_be_read_are_a_configuration_error(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    for mqtt in (Mqtt(host="h", ca=str(broken)), Mqtt(host="h", certificate=str(tmp_path / "none.pem"))):
        with pytest.raises(ConfigError, match="TLS"):
            settings_of(mqtt, "pole-1")
    with pytest.raises(ConfigError, match="password_file"):
        settings_of(Mqtt(host="h", password_file=str(tmp_path / "none")), "pole-1")


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("secret\n")
    mqtt = Mqtt(host="LOCALHOST", tls=False, user="pole-1", password_file=str(path))
    path.chmod(0o600)
    password = settings_of(mqtt, "pole-1").password
    assert password is not None
    assert password.current() == "secret"
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        settings_of(mqtt, "pole-1")


def test_the_session_number_counts_over_restarts_and_survives_a_refusing_disk() -> None:
    disk, path = ModelDisk(), Path("/data/agent/session.json")
    assert [SessionNumber(disk, path).next() for _ in range(3)] == [1, 2, 3]
    number = SessionNumber(disk, path)
    disk.fault = Fault(disk.operations + 1, forever=True)
    assert [number.next(), number.next()] == [4, 5]
    disk.fault = None
    for damage in (b"garbage", b'{"\xff":1}'):
        disk.replace(path, damage)
        assert SessionNumber(disk, path).next() == 1


def test_watermarks_and_commands_are_told_apart() -> None:
    ack = Ack(watermarks={"watcher": Watermark(epoch="e", upto=5)})
    assert inbox.read("town", "n", incoming("town/v1/n/ack", msgspec.json.encode(ack), retain=True)) == ack
    news = inbox.read("town", "n", incoming("town/v1/n/cmd/clip", b"a.b.c"))
    assert news == inbox.CommandNews("clip", b"a.b.c", False, 60, None)


@given(
    st.sampled_from(
        ["town/v1/n/ack", "town/v1/n/status", "town/v1/n/cmd/clip", "town/v1/n/cmd/+", "town/v1/other/ack", "x", "", "town/v1/n/event"]
    ),
    st.binary(),
)
def test_no_bytes_on_any_topic_make_the_inbox_fail(topic: str, payload: bytes) -> None:
    assert isinstance(inbox.read("town", "n", incoming(topic, payload)), Ack | Status | inbox.CommandNews | inbox.Ignored)


@pytest.mark.parametrize(
    "payload", [b"[" * 100_000, b"x" * (inbox.PAYLOAD_MAX_BYTES + 1), b'{"watermarks": {"a": {"epoch": 1}}}', b"\xff\xfe"]
)
def test_hostile_watermarks_are_ignored(payload: bytes) -> None:
    assert isinstance(inbox.read("town", "n", incoming("town/v1/n/ack", payload)), inbox.Ignored)


def test_a_password_that_is_changed_is_read_again_and_half_a_file_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("first\n")
    path.chmod(0o600)
    made = settings_of(Mqtt(host="localhost", tls=False, user="pole-1", password_file=str(path)), "pole-1")
    assert made.password is not None
    before = made.versions()
    path.write_text("")
    assert made.password.current() == "first"
    path.write_text("second\n")
    assert made.password.current() == "second"
    assert made.versions() != before


def test_what_a_failed_handshake_means_is_told_apart() -> None:
    revoked = ssl.SSLError(1, "[SSL: SSLV3_ALERT_CERTIFICATE_REVOKED]")
    revoked.reason = "SSLV3_ALERT_CERTIFICATE_REVOKED"
    unwell = ssl.SSLError(1, "[SSL: TLSV1_ALERT_INTERNAL_ERROR]")
    unwell.reason = "TLSV1_ALERT_INTERNAL_ERROR"
    foreign = ssl.SSLCertVerificationError(1, "x")
    foreign.verify_message = "certificate has expired"
    assert [cause_of(each)[0] for each in (revoked, unwell, foreign, OSError(111, "refused"))] == ["refused", "", "untrusted", ""]
