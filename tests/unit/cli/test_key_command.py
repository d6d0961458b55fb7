"""`edge key` and `edge centre ca`: from a new key to a certificate in force, on a key file, a token and the stand-ins for a Pi's tools."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from shutil import which

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.clock import to_ns
from edge.config.model import Seal
from edge.seal.catalog import open_identity
from edge.seal.jws import read_compact, sign_compact, verify
from edge.seal.trust import check_chain, read_roots
from tests.support import softhsm
from tests.support.command import Outcome, edge
from tests.support.identities import Town, name_of, pem_of, pem_of_key
from tests.support.nodefile import write_config
from tests.support.rpi_tools import RpiTools
from tests.support.softhsm import TOKEN, SoftHsm

FILE_SEAL = '[seal]\nkey = "keys/seal.key"\ncertificate = "keys/seal.pem"\n'
NOW = to_ns(datetime(2030, 1, 1, tzinfo=timezone.utc))
LONGEST_PEM = 620
"""It rides in each second of footage."""


class Desk:
    """A node's folder with node.toml, and an authority beside it."""

    def __init__(self, folder: Path, seal: str) -> None:
        self.folder = folder
        self.config = write_config(folder, more=seal)

    def key(self, *words: str | Path) -> Outcome:
        return edge("key", *words, "--config", self.config, cwd=self.folder)

    def ca(self, *words: str | Path) -> Outcome:
        return edge("centre", "ca", *words, cwd=self.folder)

    def certify(self) -> Path:
        """The whole way; every step must succeed. The certificate is installed."""
        for done in (
            self.key("csr", "--out", "pole-1.csr"),
            self.ca("init", "town"),
            self.ca("sign", "town", "pole-1.csr", "--out", "pole-1.pem"),
            self.key("install", "pole-1.pem"),
        ):
            assert (done.code, done.err) == (0, ""), done
        return self.folder / "town" / "ca.pem"

    def shown(self) -> dict[str, str]:
        done = self.key("show", "--json")
        assert (done.code, done.err) == (0, "")
        found: dict[str, str] = json.loads(done.out)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, FILE_SEAL)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def works(seal: Seal, root: Path) -> str:
    """That what is installed signs, and that a verifier with the town's root believes it. Returns the fingerprint."""
    identity = open_identity(seal)
    jws = read_compact(sign_compact(identity, "test+jws", b"{}"), "test+jws")
    result = check_chain(identity.certificates, read_roots(root), NOW)
    identity.signer.close()
    assert verify(jws, identity.certificates)
    assert result.trusted, result.why
    assert result.subject == "CN=pole-1"
    assert result.not_after == "9999-12-31T23:59:59.000Z"
    assert len(identity.certificates) <= LONGEST_PEM
    return identity.fingerprint


def test_a_key_in_a_file_goes_the_whole_way(desk: Desk) -> None:
    done = desk.key("create")
    assert done.code == 0, done.err
    root = desk.certify()
    keys = desk.folder / "keys"
    assert (mode(keys / "seal.key"), mode(keys / "seal.pem"), mode(desk.folder / "town" / "ca.key")) == (0o600, 0o644, 0o600)
    fingerprint = works(Seal(key=str(keys / "seal.key"), certificate=str(keys / "seal.pem")), root)
    shown = desk.shown()
    assert (shown["fingerprint"], shown["signer"], shown["assurance"]) == (fingerprint, "file", "file")
    assert edge("config", "check", "--config", desk.config).code == 0


@pytest.mark.skipif(bool(softhsm.missing()), reason=softhsm.missing() or "-")
def test_a_key_in_a_token_goes_the_whole_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = SoftHsm(tmp_path / "hsm", monkeypatch.setenv)
    seal = Seal(
        signer="pkcs11",
        certificate=str(tmp_path / "seal.pem"),
        pkcs11_module=token.module,
        pkcs11_token=TOKEN,
        pkcs11_label="seal",
        pin_file=str(token.pin_file),
    )
    rows = [f'{name} = "{getattr(seal, name)}"' for name in ("signer", "certificate", "pkcs11_module", "pkcs11_token", "pkcs11_label")]
    desk = Desk(tmp_path, "\n".join(["[seal]", *rows, f'pin_file = "{token.pin_file}"', ""]))
    assert desk.key("create").code == 0
    works(seal, desk.certify())
    assert desk.shown()["assurance"] == "hardware"
    again = desk.key("create")
    assert again.code == 78
    assert "holds a key of this label already" in again.err


def test_a_key_in_otp_memory_goes_the_whole_way_once_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With stand-ins for the Pi's tools."""
    monkeypatch.setenv("PATH", f"{RpiTools(tmp_path / 'tools').folder}:{os.environ['PATH']}")
    desk = Desk(tmp_path, '[seal]\nsigner = "rpifwcrypto"\ncertificate = "seal.pem"\ndeadline_s = 2.0\n')
    refused = desk.key("create")
    assert refused.code == 2
    assert "for ever - say --yes-irreversible" in refused.err
    assert desk.key("show").code == 78
    assert desk.key("create", "--yes-irreversible").code == 0
    works(Seal(signer="rpifwcrypto", certificate=str(tmp_path / "seal.pem"), deadline_s=2.0), desk.certify())
    assert desk.key("create", "--yes-irreversible").code == 2


def test_no_key_is_ever_overwritten(desk: Desk) -> None:
    desk.key("create")
    before = (desk.folder / "keys" / "seal.key").read_bytes()
    again = desk.key("create")
    assert again.code == 2
    assert "exists already" in again.err
    assert (desk.folder / "keys" / "seal.key").read_bytes() == before


def test_a_key_can_be_made_without_a_node_toml(tmp_path: Path) -> None:
    words = ("--signer", "file", "--key", "a.key")
    assert edge("key", "create", *words, cwd=tmp_path).code == 0
    nameless = edge("key", "csr", *words, cwd=tmp_path)
    assert nameless.code == 2
    assert "--node ID" in nameless.err
    request = x509.load_pem_x509_csr(edge("key", "csr", *words, "--node", "pole-7", cwd=tmp_path).out.encode())
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == "OU=edge-recorder,CN=pole-7"
    assert edge("key", "create", "--signer", "file", cwd=tmp_path).code == 78


def test_a_key_that_others_can_read_is_not_used(desk: Desk) -> None:
    desk.key("create")
    (desk.folder / "keys" / "seal.key").chmod(0o640)
    done = desk.key("csr")
    assert done.code == 78
    assert "chmod 600" in done.err


@pytest.mark.parametrize(
    ("pem", "text"),
    [
        (b"junk", "is no private key in PEM"),
        (pem_of_key(ec.generate_private_key(ec.SECP384R1())), "is not on curve P-256"),
        (Town().root, "is no private key in PEM"),
    ],
)
def test_what_is_no_key_on_p256_is_told(desk: Desk, pem: bytes, text: str) -> None:
    desk.key("create")
    (desk.folder / "keys" / "seal.key").write_bytes(pem)
    done = desk.key("show")
    assert done.code == 78
    assert text in done.err


def test_a_certificate_is_installed_for_its_own_key_only(desk: Desk) -> None:
    desk.key("create")
    (desk.folder / "other.pem").write_bytes(Town().certify("pole-1"))
    done = desk.key("install", "other.pem")
    assert done.code == 78
    assert "other.pem: it is the certificate of another key" in done.err
    assert not (desk.folder / "keys" / "seal.pem").exists()
    assert desk.key("install", "absent.pem").code == 78


def test_authorities_follow_the_one_they_issued_and_the_root_is_left_out(desk: Desk) -> None:
    desk.key("create")
    root = desk.certify()
    leaf = (desk.folder / "pole-1.pem").read_bytes()
    (desk.folder / "with-root.pem").write_bytes(b"some words before it\n" + leaf + root.read_bytes())
    assert desk.key("install", "with-root.pem").code == 0
    assert (desk.folder / "keys" / "seal.pem").read_bytes() == leaf
    (desk.folder / "wrong.pem").write_bytes(leaf + Town().root)
    done = desk.key("install", "wrong.pem")
    assert done.code == 78
    assert "CN=pole-1 was not issued by CN=Town" in done.err


def test_a_node_that_signs_nothing_is_told_what_to_do(tmp_path: Path) -> None:
    done = Desk(tmp_path, "").key("show")
    assert done.code == 78
    assert "has no [seal] section" in done.err


@pytest.mark.skipif(which("openssl") is None, reason="openssl is not installed")
def test_openssl_believes_the_chain_also_when_it_is_strict(desk: Desk) -> None:
    """ONVIF's validator checks chains with it."""
    desk.key("create")
    root = desk.certify()
    words = ["openssl", "verify", "-x509_strict", "-CAfile", str(root), str(desk.folder / "keys" / "seal.pem")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class TestTheAuthority:
    def refused(self, desk: Desk, request: bytes) -> str:
        desk.ca("init", "town")
        (desk.folder / "a.csr").write_bytes(request)
        done = desk.ca("sign", "town", "a.csr", "--out", "a.pem")
        assert done.code == 77
        assert not (desk.folder / "a.pem").exists()
        assert not (desk.folder / "town" / "issued").exists()
        return done.err

    def request(self, *names: str, curve: ec.EllipticCurve | None = None) -> bytes:
        key = ec.generate_private_key(curve or ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
        made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)

    def test_refuses_what_is_no_request(self, desk: Desk) -> None:
        assert "no certificate request in PEM" in self.refused(desk, b"junk")
        assert "no certificate request in PEM" in self.refused(desk, Town().root)

    def test_refuses_a_request_that_was_changed(self, desk: Desk) -> None:
        der = x509.load_pem_x509_csr(self.request("pole-1")).public_bytes(serialization.Encoding.DER)
        changed = x509.load_der_x509_csr(der.replace(b"pole-1", b"pole-2"))
        assert "not signed by the key it is for" in self.refused(desk, changed.public_bytes(serialization.Encoding.PEM))

    @pytest.mark.parametrize("names", [(), ("../pole",), ("pole 1",), ("pole-1", "pole-2"), ("ż",)])
    def test_refuses_a_request_that_names_no_node(self, desk: Desk, names: tuple[str, ...]) -> None:
        assert "does not name one node" in self.refused(desk, self.request(*names))

    def test_refuses_a_key_of_another_kind(self, desk: Desk) -> None:
        assert "not on curve P-256" in self.refused(desk, self.request("pole-1", curve=ec.SECP384R1()))

    def test_takes_only_name_and_key_of_a_request(self, desk: Desk) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        asking = x509.CertificateSigningRequestBuilder().subject_name(name_of("pole-1"))
        asking = asking.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        (desk.folder / "a.csr").write_bytes(asking.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        desk.ca("init", "town")
        assert desk.ca("sign", "town", "a.csr", "--out", "a.pem").code == 0
        made = x509.load_pem_x509_certificate((desk.folder / "a.pem").read_bytes())
        assert {each.oid._name for each in made.extensions} == {"keyUsage", "authorityKeyIdentifier"}
        assert made.public_key() == key.public_key()

    def test_keeps_a_copy_of_what_it_issued(self, desk: Desk) -> None:
        desk.key("create")
        desk.certify()
        (copy,) = (desk.folder / "town" / "issued").iterdir()
        assert copy.read_bytes() == (desk.folder / "pole-1.pem").read_bytes()

    def test_overwrites_nothing(self, desk: Desk) -> None:
        desk.key("create")
        root = desk.certify()
        before = root.read_bytes()
        for done in (desk.ca("init", "town"), desk.ca("sign", "town", "pole-1.csr", "--out", "pole-1.pem")):
            assert done.code == 2
            assert "exists already" in done.err
        assert root.read_bytes() == before

    def test_is_of_no_use_with_another_ones_key(self, desk: Desk) -> None:
        desk.ca("init", "town")
        (desk.folder / "town" / "ca.key").write_bytes(pem_of_key(ec.generate_private_key(ec.SECP256R1())))
        (desk.folder / "a.csr").write_bytes(self.request("pole-1"))
        done = desk.ca("sign", "town", "a.csr", "--out", "a.pem")
        assert done.code == 78
        assert "do not belong together" in done.err
        assert desk.ca("sign", "nowhere", "a.csr", "--out", "a.pem").code == 78

    @pytest.mark.parametrize("name", ["", "x" * 65, "a\x1b[2J"])
    def test_has_a_name_that_fits(self, desk: Desk, name: str) -> None:
        assert desk.ca("init", "town", "--name", name).code == 2


def test_two_authorities_of_one_name_are_told_apart(desk: Desk) -> None:
    desk.key("create")
    desk.certify()
    desk.ca("init", "other")
    leaf = (desk.folder / "pole-1.pem").read_bytes()
    result = check_chain(leaf, read_roots(desk.folder / "other" / "ca.pem"), NOW)
    assert not result.trusted
    assert pem_of(x509.load_pem_x509_certificate(leaf)) == leaf
