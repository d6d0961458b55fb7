"""Certificates of both sides, against a real TLS server: what is wrong is said, nothing is sent, and what is mended is used at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.centre.serve import ReceiverServer, ServeSettings
from edge.centre.upload_store import StoreLimits
from edge.clock import ManualClock
from edge.config.on_request import Upload
from edge.errors import ConfigError
from edge.host.linux_disk import LinuxDisk
from edge.upload.http import target_of
from edge.upload.send import Progress
from edge.upload.tls import TlsFiles
from tests.support.authority import Authority
from tests.support.clips import MemoryClip, noise
from tests.support.delivery import Delivery

NODE = "pole-7"
HOST = "127.0.0.1"


class Pki:
    """The town's authority, and one that nobody trusts."""

    def __init__(self, folder: Path) -> None:
        self.town = Authority(folder / "town")
        self.stranger = Authority(folder / "stranger")

    def upload(self, url: str, files: tuple[Path, Path] | None, authority: Authority | None = None) -> Upload:
        certificate, key = (str(each) for each in files) if files else ("", "")
        return Upload(url=url, ca=str((authority or self.town).certificate), certificate=certificate, key=key)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


@contextmanager
def serving(folder: Path, files: tuple[Path, Path], pki: Pki) -> Iterator[ReceiverServer]:
    limits = StoreLimits(reserve_bytes=0)
    settings = ServeSettings(
        folder=folder, certificate=str(files[0]), key=str(files[1]), client_ca=str(pki.town.certificate), limits=limits
    )
    server = ReceiverServer(settings, LinuxDisk(), ManualClock())
    server.start()
    try:
        yield server
    finally:
        server.stop()


def stored(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_both_sides_prove_themselves_by_certificate(pki: Pki, tmp_path: Path) -> None:
    with serving(tmp_path / "received", pki.town.issue(HOST), pki) as server:
        delivery = Delivery(server.url, MemoryClip(noise(3 << 20)))
        assert delivery.send(target=target_of(pki.upload(server.url, pki.town.issue(NODE)))).state == "done"
    assert (tmp_path / "received" / "pole-7" / "r-1" / "clip.mp4").read_bytes() == delivery.clip.data


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("the server's is of an unknown authority", "does not verify: self-signed certificate in certificate chain"),
        ("the server's is for another host", "does not verify: IP address mismatch"),
        ("the server's has expired", "does not verify: certificate has expired"),
        ("ours is of an unknown authority", "refuses our certificate"),
        ("ours has expired", "refuses our certificate"),
        ("we have none", "refuses our certificate"),
    ],
)
def test_a_certificate_that_does_not_hold_stops_everything_and_is_named(pki: Pki, tmp_path: Path, fault: str, said: str) -> None:
    files = pki.town.issue("centre.example" if "another host" in fault else HOST, expired=fault == "the server's has expired")
    ours: tuple[Path, Path] | None = pki.town.issue(NODE, expired=fault == "ours has expired")
    if fault == "ours is of an unknown authority":
        ours = pki.stranger.issue(NODE)
    if fault == "we have none":
        ours = None
    trusted = pki.stranger if fault == "the server's is of an unknown authority" else pki.town
    with serving(tmp_path / "received", files, pki) as server:
        sent = Delivery(server.url, MemoryClip(noise(1000))).send(within_s=0.3, target=target_of(pki.upload(server.url, ours, trusted)))
    assert (sent.state, sent.code) == ("failed", "deadline"), "it may be mended until then"
    assert said in sent.text
    assert stored(tmp_path / "received") == []


@pytest.mark.parametrize("renewed", ["ours", "the authority"])
def test_a_certificate_that_is_renewed_is_used_without_a_restart(pki: Pki, tmp_path: Path, renewed: str) -> None:
    ours = pki.town.issue(NODE, expired=renewed == "ours")
    ca = tmp_path / "ca.pem"
    ca.write_bytes((pki.stranger if renewed == "the authority" else pki.town).certificate.read_bytes())
    with serving(tmp_path / "received", pki.town.issue(HOST), pki) as server:
        target = target_of(Upload(url=server.url, ca=str(ca), certificate=str(ours[0]), key=str(ours[1])))
        delivery = Delivery(server.url, MemoryClip(noise(100_000)))
        troubles: list[str] = []

        def renew(progress: Progress) -> None:
            if progress.trouble and not troubles:
                troubles.append(progress.trouble)
                pki.town.issue(NODE)
                ca.write_bytes(pki.town.certificate.read_bytes())

        delivery.hook = renew
        assert delivery.send(target=target).state == "done"
    assert troubles
    assert (tmp_path / "received" / "pole-7" / "r-1" / "clip.mp4").read_bytes() == delivery.clip.data


def test_a_renewal_that_is_half_done_leaves_what_was_loaded(pki: Pki) -> None:
    certificate, key = pki.town.issue(NODE)
    files = TlsFiles(str(pki.town.certificate), str(certificate), str(key))
    before, whole = files.context(), certificate.read_bytes()
    assert files.context() is before
    certificate.write_bytes(pki.stranger.issue(NODE)[0].read_bytes())  # the key is still the old one's
    assert files.context() is before
    certificate.unlink()
    assert files.context() is before
    certificate.write_bytes(whole)
    assert files.context() is not before


def test_files_that_do_not_load_at_the_start_are_named(pki: Pki, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ca, certificate or key"):
        TlsFiles(str(pki.town.certificate), str(tmp_path / "missing.pem"))
