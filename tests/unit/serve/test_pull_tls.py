"""Who gets through the door of `edge serve`, and what it says when it cannot open one."""

from __future__ import annotations

import datetime
import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.command import edge
from tests.support.ondisk import OnDisk, make_node
from tests.support.pull import OPERATOR, PullNode, clip_path, pull_node, start

REFUSED = (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)
"""TLS 1.3 tells the client after its own half of the handshake: then the first read finds the alert, or a closed connection."""


@pytest.fixture(scope="module")
def pull(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PullNode]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder / "authority")
    for name in (OPERATOR, "b.kowalski", "not.listed", "withdrawn"):
        authority.issue(name)
    authority.issue("late", until=datetime.datetime(2021, 1, 1, tzinfo=datetime.timezone.utc))
    crl = authority.revoke("withdrawn")
    more = f'crl = "{crl}"\noperators = ["{OPERATOR}", "withdrawn", "late"]'
    with pull_node(folder, more, authority=authority) as running:
        running.issued |= {OPERATOR, "b.kowalski", "not.listed", "withdrawn", "late"}
        yield running


def asked(pull: PullNode, context: ssl.SSLContext) -> int:
    with closing(http.client.HTTPSConnection("127.0.0.1", pull.port, timeout=30, context=context)) as connection:
        connection.request("GET", "/v1")
        return connection.getresponse().status


def test_who_has_a_certificate_comes_in(pull: PullNode) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = pull.context()
        context.minimum_version = context.maximum_version = version
        assert asked(pull, context) == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["", "withdrawn", "late"])
def test_without_a_certificate_that_counts_the_handshake_ends(pull: PullNode, name: str, version: ssl.TLSVersion) -> None:
    context = pull.context(name)
    context.minimum_version = context.maximum_version = version
    with pytest.raises(REFUSED):
        asked(pull, context)


def test_another_authority_of_the_same_name_admits_nobody(pull: PullNode, tmp_path: Path) -> None:
    other = Authority(tmp_path, "test authority")
    context = ssl.create_default_context(cafile=str(pull.authority.ca))
    context.load_cert_chain(*other.issue(OPERATOR))
    with pytest.raises(REFUSED):
        asked(pull, context)


def test_who_is_not_listed_gets_nothing_and_nothing_is_recorded(pull: PullNode) -> None:
    answer = pull.ask(clip_path(0, 1), "b.kowalski")
    assert answer.code == (403, "not_admitted")
    assert pull.ask("/v1", "not.listed").code == (403, "not_admitted")
    assert not (pull.node.data / "journal" / "local").exists()


def test_plain_http_is_not_answered(pull: PullNode) -> None:
    with closing(socket.create_connection(("127.0.0.1", pull.port), timeout=30)) as plain:
        plain.sendall(b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in plain.recv(100)


@pytest.fixture
def node(tmp_path: Path) -> tuple[OnDisk, Authority, str]:
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("pole-1", "127.0.0.1")
    serve = f'[serve]\nhost = "127.0.0.1"\nport = 0\ncertificate = "{certificate}"\nkey = "{key}"\nca = "{authority.ca}"\n'
    return make_node(tmp_path, serve), authority, serve


def refusal(node: OnDisk) -> str:
    outcome = edge("serve", "--config", node.config)
    assert (outcome.code, outcome.out) == (78, "")
    return outcome.err


def test_without_its_section_no_port_is_opened(tmp_path: Path) -> None:
    assert "there is no [serve] section" in refusal(make_node(tmp_path))


def test_a_port_that_is_taken_is_told(node: tuple[OnDisk, Authority, str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        config = node[0].config
        config.write_text(config.read_text().replace("port = 0", f"port = {port}"))
        assert f"[serve] 127.0.0.1:{port}: Address already in use" in refusal(node[0])


def test_keys_and_certificates_that_cannot_be_used_are_told(node: tuple[OnDisk, Authority, str]) -> None:
    on_disk, authority, _ = node
    key = authority.folder / "pole-1.key"
    mine = key.read_bytes()
    key.chmod(0o644)
    assert "gives others rights on it: run chmod 600" in refusal(on_disk)
    key.chmod(0o600)
    authority.issue("other")
    key.write_bytes((authority.folder / "other.key").read_bytes())
    assert "serve.certificate and serve.key do not load: key values mismatch" in refusal(on_disk)
    key.write_bytes(mine)
    authority.ca.write_text("no certificate")
    assert "serve.ca does not load: no certificate" in refusal(on_disk)
    authority.ca.unlink()
    assert "serve.ca" in refusal(on_disk)


def test_an_address_of_no_interface_may_come_later(node: tuple[OnDisk, Authority, str]) -> None:
    """A VPN that is not up yet: the service manager tries again."""
    config = node[0].config
    config.write_text(config.read_text().replace('"127.0.0.1"', '"192.0.2.77"'))
    outcome = edge("serve", "--config", config)
    assert outcome.code == 75
    assert "is the VPN up?" in outcome.err


def test_a_stop_signal_ends_it_in_order(node: tuple[OnDisk, Authority, str]) -> None:
    process = start(node[0].config)
    process.stop()
    assert process.wait() == 0
