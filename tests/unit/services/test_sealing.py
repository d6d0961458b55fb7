from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from edge.bmff.boxes import Buffer
from edge.bmff.nal import split
from edge.clock import NS_PER_S, ManualClock, monotonic_s
from edge.errors import ConfigError
from edge.messages.evidence import KeyNews, UnsignedGops
from edge.messages.records import Facts
from edge.messages.stream import Codec
from edge.ring.gop import Gop
from edge.seal.chain import Maker
from edge.seal.hashing import hashes_of
from edge.seal.onvif import SignedDocument, read_sei
from edge.seal.signer import Identity
from edge.services.sealing import Sealer
from edge.services.signing import SigningDesk
from tests.support.signing import MemorySigner, opener
from tests.support.video import encode, gops, stream_info

MAKER = Maker("pole-1/cam0", "1.2.3")
GOP = 5
PATIENCE_S = 20.0
"""For a signer that does answer; what is waited for is always an event."""


def made_gops(count: int, codec: Codec = "h264") -> list[Gop]:
    groups = gops(encode(codec, frames=GOP * count, gop=GOP))
    followers = [*(group[0].dts_ns for group in groups[1:]), None]
    return [Gop(group, follower) for group, follower in zip(groups, followers, strict=True)]


@dataclass
class Bench:
    """A sealer and its desk, with everything it said."""

    signer: MemorySigner = field(default_factory=MemorySigner)
    deadline_s: float = PATIENCE_S
    codec: Codec = "h264"
    said: list[Facts] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock()
        self.desk = SigningDesk("cam0", opener(self.signer), "file")
        self.sealer = Sealer(self.desk, self.said.append, self.clock, MAKER, self.deadline_s)
        self.desk.thread.start()
        self.sealer.start(stream_info(encode(self.codec, frames=GOP, gop=GOP), self.codec))

    def lapses(self) -> list[UnsignedGops]:
        return [facts for facts in self.said if isinstance(facts, UnsignedGops)]

    def close(self) -> None:
        self.signer.gate.set()
        self.sealer.close()
        self.desk.stop(PATIENCE_S)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def ridden(codec: Codec, gop: Gop) -> SignedDocument | None:
    """What rides in the first access unit, which is then free of anything else new."""
    assert gop.units
    found = [read for nal in gop.units[0] if (read := read_sei(codec, nal)) is not None]
    assert all(read_sei(codec, nal) is None for units in gop.units[1:] for nal in units)
    return found[0] if found else None


def plain(gop: Gop) -> list[list[memoryview]]:
    return [split(packet.data) for packet in gop.packets]


def assert_signed(codec: Codec, carrier: Gop, signed: Gop) -> None:
    """The document in `carrier` lists exactly the slices of `signed`, by the key whose certificate it carries."""
    read = ridden(codec, carrier)
    assert read is not None
    assert list(read.document.hashes) == hashes_of(codec, plain(signed))
    key = x509.load_pem_x509_certificate(read.document.certificates).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(read.signature, read.signed, ec.ECDSA(SHA256()))


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_signature_of_a_gop_rides_in_front_of_the_next_key_picture(codec: Codec) -> None:
    bench = Bench(codec=codec)
    source = made_gops(4, codec)
    sealed = [bench.sealer.seal(gop) for gop in source]
    bench.close()
    assert ridden(codec, sealed[0]) is None
    for number in range(1, 4):
        assert_signed(codec, sealed[number], source[number - 1])
    assert [gop.counter for gop in sealed] == [1, 2, 3, 4]
    assert bench.lapses() == []
    assert [facts.state for facts in bench.said if isinstance(facts, KeyNews)] == ["in_force"]


def test_nothing_else_in_the_stream_is_changed(bench: Bench) -> None:
    source = made_gops(2)
    first, second = (bench.sealer.seal(gop) for gop in source)
    assert [list(units) for units in first.units] == plain(source[0])
    kinds = [nal[0] & 0x1F for nal in second.units[0]]
    assert kinds.index(5) - 1 == kinds.index(6, kinds.index(8))
    rest = [nal for nal in second.units[0] if read_sei("h264", nal) is None]
    assert [rest, *map(list, second.units[1:])] == plain(source[1])


def test_a_signer_that_does_not_answer_costs_a_deadline_once_and_its_gops_are_told() -> None:
    bench = Bench(deadline_s=0.05)
    bench.signer.gate.clear()
    source = made_gops(5)
    sealed = [bench.sealer.seal(gop) for gop in source]
    assert all(ridden("h264", gop) is None for gop in sealed)
    assert [gop.counter for gop in sealed] == [1, 2, 3, 4, 5]
    (begun,) = bench.lapses()
    assert (begun.reason, begun.counter, begun.open) == ("signer_slow", 1, True)
    bench.close()
    ended = bench.lapses()[-1]
    assert (ended.open, ended.counter, ended.gops) == (False, 1, 5)


def test_the_writer_keeps_up_with_a_camera_whose_gops_come_faster_than_signatures() -> None:
    """Each signature takes longer than the writer waits for it, and is there for the next GOP but one."""
    bench = Bench(deadline_s=1.0)
    source = made_gops(6)
    length_s = (source[-1].boot_ns - source[0].boot_ns) / NS_PER_S
    waited_s = 0.0
    for first, second in zip(source[::2], source[1::2], strict=True):
        bench.signer.gate.clear()
        began_s = monotonic_s()
        bench.sealer.seal(first)
        bench.sealer.seal(second)
        waited_s += monotonic_s() - began_s
        bench.signer.gate.set()
        bench.desk.wait_idle(PATIENCE_S)
    bench.close()
    assert 0.0 < length_s < 2.0
    assert waited_s < bench.deadline_s + length_s


def test_signing_goes_on_when_the_signer_answers_again() -> None:
    bench = Bench(deadline_s=0.05)
    source = made_gops(6)
    bench.signer.gate.clear()
    bench.sealer.seal(source[0])
    bench.sealer.seal(source[1])
    bench.signer.gate.set()
    bench.deadline_s = PATIENCE_S
    sealed = [_when_free(bench, gop) for gop in source[2:]]
    bench.close()
    signed = [read for gop in sealed if (read := ridden("h264", gop)) is not None]
    assert signed[-1].document.counter == 5
    assert signed[-1].document.link == hashes_of("h264", plain(source[3]))[0]
    assert not bench.lapses()[-1].open


def _when_free(bench: Bench, gop: Gop) -> Gop:
    """Waits for the job under way, which a GOP's length would give time for."""
    while bench.desk.busy:
        bench.desk.wait_idle(PATIENCE_S)
    return bench.sealer.seal(gop)


def test_a_signer_that_answers_with_an_error_is_told_with_its_words(bench: Bench) -> None:
    source = made_gops(3)
    bench.signer.fault = "the token is gone"
    bench.sealer.seal(source[0])
    assert ridden("h264", bench.sealer.seal(source[1])) is None
    (lapse,) = bench.lapses()
    assert (lapse.reason, lapse.counter, lapse.text) == ("signer_failed", 1, "the token is gone")
    bench.signer.fault = ""


def test_an_answer_that_is_no_signature_is_told_and_signing_goes_on(bench: Bench) -> None:
    source = made_gops(4)
    bench.signer.nonsense = [bytes(100), b""]
    sealed = [bench.sealer.seal(gop) for gop in source]
    assert [ridden("h264", gop) is not None for gop in sealed] == [False, False, False, True]
    begun, ended = bench.lapses()
    assert (begun.reason, begun.counter, ended.gops) == ("signer_failed", 1, 2)


def test_without_a_section_everything_goes_through_and_the_journal_says_so() -> None:
    said: list[Facts] = []
    sealer = Sealer(None, said.append, ManualClock(), MAKER, 0.0)
    sealer.start(stream_info(encode(frames=GOP, gop=GOP)))
    source = made_gops(3)
    assert [sealer.seal(gop) for gop in source] == source
    sealer.close()
    assert said == [
        KeyNews(state="off"),
        UnsignedGops(reason="off", counter=None, open=True),
        UnsignedGops(reason="off", counter=None, gops=3),
    ]


def test_a_key_that_cannot_be_opened_leaves_gops_unsigned_with_the_reason() -> None:
    said: list[Facts] = []

    def refused() -> Identity:
        raise ConfigError("/etc/edge/keys/media.key is not there")

    desk = SigningDesk("cam0", refused, "file")
    sealer = Sealer(desk, said.append, ManualClock(), MAKER, PATIENCE_S)
    desk.thread.start()
    sealer.start(stream_info(encode(frames=GOP, gop=GOP)))
    sealed = [sealer.seal(gop) for gop in made_gops(2)]
    sealer.close()
    desk.stop(PATIENCE_S)
    assert all(ridden("h264", gop) is None for gop in sealed)
    assert [facts.state for facts in said if isinstance(facts, KeyNews)] == ["broken"]
    assert [(facts.reason, facts.gops) for facts in said if isinstance(facts, UnsignedGops)] == [("no_key", 0), ("no_key", 2)]


def test_undated_pictures_are_signed_without_a_time(bench: Bench) -> None:
    bench.clock.set_state("untrusted")
    source = made_gops(2)
    bench.sealer.seal(source[0])
    read = ridden("h264", bench.sealer.seal(source[1]))
    assert read is not None
    assert (read.document.start_utc_ns, read.document.end_utc_ns) == (None, None)


def test_another_codec_leaves_the_last_gop_of_the_one_before_unsigned(bench: Bench) -> None:
    bench.sealer.seal(made_gops(1)[0])
    bench.sealer.start(stream_info(encode("h265", frames=GOP, gop=GOP), "h265"))
    source = made_gops(2, "h265")
    first, second = (bench.sealer.seal(gop) for gop in source)
    assert ridden("h265", first) is None
    assert_signed("h265", second, source[0])
    assert [lapse.reason for lapse in bench.lapses()] == ["stream_changed", "stream_changed"]


def test_a_gop_of_too_many_slices_is_stored_unsigned(bench: Bench) -> None:
    whole = made_gops(1)[0]
    slices: Sequence[Buffer] = [nal for nal in split(whole.packets[1].data) if nal[0] & 0x1F == 1]
    packets = [whole.packets[0], *(msgspec.structs.replace(whole.packets[1], data=b"\0\0\1" + bytes(slices[0])) for _ in range(2100))]
    sealed = bench.sealer.seal(Gop(packets, None))
    assert len(sealed.units) == 2101
    assert [lapse.reason for lapse in bench.lapses()] == ["signer_failed"]
