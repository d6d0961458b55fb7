"""One list of faults against every upload server, ours and such as are not: what is called done is the same file, byte for byte; what
cannot be done says why and leaves nothing under the file's name."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import pytest

from edge.upload.send import Sent
from tests.support.clips import MemoryClip, noise
from tests.support.delivery import Delivery, quick
from tests.support.meddler import Answer, CutBody, DripAnswer, Elsewhere, Fault, LoseAnswer, Meddle, Meddler, Once, Silence, Sip
from tests.support.proxy import Proxy
from tests.support.upload_servers import KINDS, MOVING, PUT, TUS, Server

SIZE = 700_000
PART = 256 << 10
"""Three parts by tus."""
_numbers = count()


def at(kinds: Sequence[str]) -> pytest.MarkDecorator:
    """The test runs against each of these servers; all tests of one server run in one process, so that it is started once."""
    params = [pytest.param(kind, marks=pytest.mark.xdist_group(f"uploads to {kind}")) for kind in kinds]
    return pytest.mark.parametrize("server", params, indirect=True, scope="module")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server.start(request.param, tmp_path_factory.mktemp("received") / "files")
    yield running
    running.process.kill()


@dataclass
class Tried:
    """A delivery that was made, with a clip and a job of its own."""

    server: Server
    delivery: Delivery
    sent: Sent

    def assert_equal(self) -> None:
        assert (self.sent.state, self.sent.code) == ("done", ""), self.sent
        assert self.server.stored(self.sent.url, "clip.mp4", self.delivery.request) == self.delivery.clip.data
        assert self.left_over() == [], "of a file that is done nothing but itself is left"

    def left_over(self) -> list[str]:
        names = self.server.names(self.delivery.request)
        return [name for name in names if not name.startswith("clip.mp4") or name.endswith(".part")]


def through(server: Server, port: int) -> Delivery:
    number = next(_numbers)
    settings = replace(quick(progress_timeout_s=0.5, patch_bytes=PART), method=server.method)
    return Delivery(server.through(port), MemoryClip(noise(SIZE, number)), request=f"r-{number}", settings=settings, signer=server.signer)


def tried(server: Server, meddle: Meddle) -> Tried:
    with Meddler(server.port, meddle) as meddler:
        delivery = through(server, meddler.port)
        return Tried(server, delivery, delivery.send(within_s=30))


def in_the_middle(server: Server, fault: Fault) -> Once:
    """At the second PATCH, when something is there already; or at the PUT."""
    return Once("PATCH", fault, nth=2) if server.method == "tus" else Once("PUT", fault)


PASSING: dict[str, Fault] = {
    "404": Answer(404),
    "408": Answer(408),
    "409": Answer(409),
    "410": Answer(410),
    "423": Answer(423),
    "429 with a wait": Answer(429, {"Retry-After": "0"}),
    "500": Answer(500),
    "502 and a page": Answer(502, {"Content-Type": "text/html"}),
    "503": Answer(503, {"Retry-After": "0"}),
    "507": Answer(507),
    "a server that never answers": Silence(),
    "a server that reads one byte a second": Sip(),
    "a server that answers one byte at a time": DripAnswer(),
    "a cut in the middle": CutBody(100_000),
    "a cut before the first byte": CutBody(0),
    "an answer that is lost": LoseAnswer(),
}


@at(KINDS)
@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_costs_no_byte_of_the_copy(server: Server, name: str) -> None:
    meddle = in_the_middle(server, PASSING[name])
    outcome = tried(server, meddle)
    outcome.assert_equal()
    assert meddle.met


@at(KINDS)
@pytest.mark.parametrize("fault", [LoseAnswer(), Answer(503)], ids=["lost", "503"])
def test_so_does_one_at_any_other_request(server: Server, fault: Fault) -> None:
    asked = {"tus": ["OPTIONS", "POST", "HEAD"], "put": ["OPTIONS", "HEAD", "GET"], "s3": ["HEAD"]}[server.method]
    for method in [*asked, *(["MKCOL", "MOVE"] if server.kind in MOVING else [])]:
        meddle = Once(method, fault)
        tried(server, meddle).assert_equal()
        assert meddle.met, method


@at([kind for kind in KINDS if kind != "s3"])  # a signature is for one path: there the proxy cannot lead back
@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_within_the_origin_is_followed(server: Server, status: int) -> None:
    def meddle(method: str, path: str) -> Fault | None:
        if path.startswith("/moved/"):
            return Elsewhere(path.removeprefix("/moved"))
        return Answer(status, {"Location": f"/moved{path}"}) if method in ("PATCH", "PUT") else None

    tried(server, meddle).assert_equal()


@at(KINDS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_somewhere_else_is_never_followed(server: Server, status: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        location = f"http://localhost:{elsewhere.getsockname()[1]}/files"
        outcome = tried(server, in_the_middle(server, Answer(status, {"Location": location})))
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert (outcome.sent.state, outcome.sent.code) == ("failed", "off_origin")
    assert "localhost" in outcome.sent.text


@at(KINDS)
@pytest.mark.parametrize(("status", "code"), [(401, "unauthorised"), (403, "forbidden"), (413, "too_large")])
def test_a_refusal_ends_it_with_its_code_and_nothing_under_the_name(server: Server, status: int, code: str) -> None:
    outcome = tried(server, in_the_middle(server, Answer(status)))
    assert (outcome.sent.state, outcome.sent.code) == ("failed", code)
    assert server.method == "tus" or outcome.sent.progress.sent_bytes == 0, "a PUT asks first"
    assert "clip.mp4" not in server.names(outcome.delivery.request)


@at(TUS)
def test_a_part_that_arrived_damaged_is_sent_again(server: Server) -> None:
    tried(server, in_the_middle(server, Answer(460))).assert_equal()


@at(KINDS)
def test_a_byte_that_changes_on_the_way_never_stays(server: Server) -> None:
    with Proxy(server.port) as proxy:
        proxy.flip_at = {SIZE // 2}
        delivery = through(server, proxy.port)
        outcome = Tried(server, delivery, delivery.send(within_s=30))
    outcome.assert_equal()
    assert not proxy.flip_at


@at(KINDS)
def test_a_link_cut_every_few_hundred_kilobytes_delivers(server: Server) -> None:
    with Proxy(server.port) as proxy:
        proxy.cut_every = 200_000
        if server.method != "tus":  # each file whole: a link that is never up long enough never delivers one
            proxy.cuts_left = 3
        delivery = through(server, proxy.port)
        outcome = Tried(server, delivery, delivery.send(within_s=30))
    outcome.assert_equal()
    assert proxy.cuts >= 3


@at(KINDS)
def test_a_server_killed_in_the_middle_of_a_body_delivers_after_its_restart(server: Server) -> None:
    killed: list[str] = []

    def kill(method: str, path: str) -> Fault | None:
        if method in ("PATCH", "PUT") and not killed:
            killed.append(path)
            server.restart()
            return CutBody(50_000)
        return None

    tried(server, kill).assert_equal()
    assert killed


@at(TUS)
def test_an_upload_that_is_gone_from_the_server_starts_anew(server: Server) -> None:
    """Expired, swept, or the server's disk was changed."""
    meddle = Once("PATCH", CutBody(1000), nth=2)

    def forget(method: str, path: str) -> Fault | None:
        fault = meddle(method, path)
        if fault is not None:
            server.forget_all()
        return fault

    outcome = tried(server, forget)
    outcome.assert_equal()
    assert len(outcome.delivery.remembered) == 2


@at(PUT)
@pytest.mark.parametrize("there", [b"somebody else's", noise(SIZE + 1)], ids=["short", "longer"])
def test_what_lies_under_that_name_already_is_never_overwritten(server: Server, there: bytes) -> None:
    delivery = through(server, server.port)
    server.place(delivery.request, "clip.mp4", there)
    sent = delivery.send(within_s=30)
    assert (sent.state, sent.code) == ("failed", "conflict")
    assert server.stored(delivery.url, "clip.mp4", delivery.request) == there


@at(MOVING)
def test_a_file_gets_its_name_only_when_it_is_whole(server: Server) -> None:
    seen: list[bool] = []

    def look(method: str, path: str) -> Fault | None:
        if method == "MOVE":
            seen.append((server.folder / path.lstrip("/")).stat().st_size == SIZE)
            seen.append((server.folder / path.lstrip("/")).with_name("clip.mp4").exists())
        return None

    tried(server, look).assert_equal()
    assert seen == [True, False]
