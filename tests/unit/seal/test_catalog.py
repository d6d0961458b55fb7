"""Which identities a configuration makes up, and which faults are the operator's."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edge.clock import ManualClock, Reading, to_ns
from edge.config.model import Seal
from edge.errors import ConfigError
from edge.seal.catalog import open_identity, try_out
from edge.seal.certificates import LARGEST_BUNDLE_BYTES, BadCertificate, read_bundle
from edge.seal.signer import SigningTrouble
from tests.support.identities import BEGIN, MemorySigner, Town, authority, draft, pem_of, pem_of_key

TOWN = Town()
DAY = timedelta(days=1)


def seal_in(folder: Path, certificate: bytes, key: ec.EllipticCurvePrivateKey | None = None) -> Seal:
    (folder / "seal.pem").write_bytes(certificate)
    path = folder / "seal.key"
    path.touch(0o600)
    path.write_bytes(pem_of_key(key or TOWN.key_of("pole-1")))
    return Seal(key=str(path), certificate=str(folder / "seal.pem"))


def on(moment: datetime, clock: ManualClock | None = None) -> Reading:
    return (clock or ManualClock(to_ns(moment))).read()


def test_key_and_certificate_make_an_identity(tmp_path: Path) -> None:
    pem = TOWN.certify("pole-1")
    identity = open_identity(seal_in(tmp_path, pem))
    assert identity.certificates == pem
    assert identity.fingerprint == x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex()
    assert identity.signer.assurance == "file"
    try_out(identity.signer)


def test_the_certificate_of_another_key_is_the_operators_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="certificate of another key"):
        open_identity(seal_in(tmp_path, TOWN.certify("pole-2")))


def test_no_certificate_tells_how_to_get_one(tmp_path: Path) -> None:
    seal = seal_in(tmp_path, b"")
    with pytest.raises(ConfigError, match="there is no certificate in PEM"):
        open_identity(seal)
    Path(seal.certificate).unlink()
    with pytest.raises(ConfigError, match=r"seal\.certificate: .*No such file.*edge key csr"):
        open_identity(seal)


def test_a_certificate_on_another_curve_is_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(ConfigError, match="not for a key on curve P-256"):
        open_identity(seal_in(tmp_path, TOWN.certify("pole-1", key.public_key())))


def test_a_certificate_that_is_not_valid_now_is_refused_where_the_clock_is_believed(tmp_path: Path) -> None:
    seal = seal_in(tmp_path, TOWN.certify("pole-1", end=BEGIN + DAY))
    open_identity(seal, on(BEGIN + DAY))
    for moment in (BEGIN - DAY, BEGIN + 2 * DAY):
        with pytest.raises(ConfigError, match="it is valid from 2024-01-01"):
            open_identity(seal, on(moment))


def test_a_clock_that_is_not_set_spoils_no_certificate(tmp_path: Path) -> None:
    seal = seal_in(tmp_path, TOWN.certify("pole-1"))
    epoch = ManualClock(to_ns(datetime(1970, 1, 1, tzinfo=timezone.utc)), state="untrusted")
    assert open_identity(seal, epoch.read()).fingerprint


def test_a_signer_whose_signatures_are_not_its_own_is_found_before_it_signs_footage() -> None:
    class Wrong(MemorySigner):
        def __init__(self) -> None:
            super().__init__(TOWN.key_of("pole-1"))
            self.public_key = MemorySigner(TOWN.key_of("pole-2")).public_key

    with pytest.raises(SigningTrouble, match="not by its own public key"):
        try_out(Wrong())


def chain(length: int) -> list[bytes]:
    """Leaf, authorities, root."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(length + 1)]
    made = [pem_of(authority(draft("CA 0", "CA 0", keys[0].public_key())).sign(keys[0], hashes.SHA256()))]
    for level in range(1, length + 1):
        drafted = authority(draft(f"CA {level}", f"CA {level - 1}", keys[level].public_key()))
        made.insert(0, pem_of(drafted.sign(keys[level - 1], hashes.SHA256())))
    leaf = draft("pole-1", f"CA {length}", TOWN.key_of("pole-1").public_key()).sign(keys[-1], hashes.SHA256())
    return [pem_of(leaf), *made]


def test_what_is_signed_with_carries_no_root_and_no_words() -> None:
    certificates = chain(2)
    assert read_bundle(b"subject=...\n" + b"\n\n".join(certificates)).pem == b"".join(certificates[:-1])
    assert read_bundle(certificates[0]).pem == certificates[0]


def test_certificates_out_of_order_are_told() -> None:
    leaf, upper, lower, _ = chain(2)
    with pytest.raises(BadCertificate, match="CN=pole-1 was not issued by CN=CA 1, which follows it"):
        read_bundle(leaf + lower + upper)
    with pytest.raises(BadCertificate, match="CN=CA 2 was not issued by CN=pole-1"):
        read_bundle(upper + leaf)


def test_certificates_that_would_burden_each_second_of_footage_are_refused() -> None:
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(LARGEST_BUNDLE_BYTES))
    made = draft("pole-1", TOWN.name, TOWN.key_of("pole-1").public_key()).add_extension(padding, False)
    with pytest.raises(BadCertificate, match="they ride in each second of footage"):
        read_bundle(pem_of(made.sign(TOWN.key, hashes.SHA256())))


def test_the_trial_signs_nothing_that_could_be_taken_for_footage() -> None:
    """A fixed text, hashed: no document and no statement begins like it."""
    seen = []

    class Listening(MemorySigner):
        def sign(self, digest: bytes) -> bytes:
            seen.append(digest)
            return super().sign(digest)

    try_out(Listening(TOWN.key_of("pole-1")))
    assert seen == [sha256(b"edge-recorder: does this key sign?").digest()]
