"""Who vouches for a node, and who only pretends to: authorities and signing identities in memory, cheap enough to make for each test."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from edge.seal.signer import Assurance, Identity

EARLY = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
FOR_EVER = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)


@dataclass(frozen=True)
class MemoryKey:
    """The signer port over a key that lives as long as the test."""

    key: ec.EllipticCurvePrivateKey

    @property
    def assurance(self) -> Assurance:
        return "file"

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, digest: bytes) -> bytes:
        return self.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

    def close(self) -> None:
        pass


class Town:
    """An authority. root: PEM."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.root = _pem(_draft(self._name, self._name, self._key, EARLY, FOR_EVER, ca=True).sign(self._key, hashes.SHA256()))

    def issue(self, name: str, not_before: datetime.datetime = EARLY, not_after: datetime.datetime = FOR_EVER) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        return identity(key, _draft(_name(name), self._name, key, not_before, not_after, ca=False).sign(self._key, hashes.SHA256()))


def self_signed(name: str) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    return identity(key, _draft(_name(name), _name(name), key, EARLY, FOR_EVER, ca=False).sign(key, hashes.SHA256()))


def identity(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Identity:
    return Identity(MemoryKey(key), _pem(certificate), certificate.fingerprint(hashes.SHA256()).hex())


@lru_cache
def town(name: str = "Gmina Testowo") -> Town:
    """One for the whole test run."""
    return Town(name)


@lru_cache
def node(name: str = "pole-17") -> Identity:
    """A node of `town()`; one for the whole test run."""
    return town().issue(name)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _draft(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    not_before: datetime.datetime,
    not_after: datetime.datetime,
    *,
    ca: bool,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False), critical=True)
    )
