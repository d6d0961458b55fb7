"""A signer in memory with a certificate of a throw-away authority: the same port as the adapters, and troubles at will."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from edge.seal.signer import Assurance, Identity, SigningTrouble

FOREVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True, slots=True)
class Town:
    """An authority. root: PEM."""

    key: ec.EllipticCurvePrivateKey
    root: bytes

    def certificate(self, node: str, key: ec.EllipticCurvePublicKey, until: datetime = FOREVER) -> x509.Certificate:
        issuer = x509.load_pem_x509_certificate(self.root).subject
        made = x509.CertificateBuilder().subject_name(_name(node)).issuer_name(issuer).public_key(key)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(datetime(2026, 1, 1, tzinfo=timezone.utc))
        return made.not_valid_after(until).sign(self.key, SHA256())


@cache
def town(name: str = "Test town") -> Town:
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name(name)).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime(2026, 1, 1, tzinfo=timezone.utc))
    made = made.not_valid_after(datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(days=36_500))
    root = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, SHA256())
    return Town(key, root.public_bytes(Encoding.PEM))


@dataclass
class MemorySigner:
    """fault: what `sign` answers while it is set. gate: while cleared, `sign` does not answer. nonsense: what it returns instead of a
    signature, once each."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    fault: str = ""
    gate: threading.Event = field(default_factory=threading.Event)
    assurance: Assurance = "file"
    closed: bool = False
    nonsense: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, digest: bytes) -> bytes:
        self.gate.wait()
        if self.fault:
            raise SigningTrouble(self.fault)
        if self.nonsense:
            return self.nonsense.pop()
        return self.key.sign(digest, ec.ECDSA(Prehashed(SHA256())))

    def close(self) -> None:
        self.closed = True


def identity(signer: MemorySigner | None = None, node: str = "pole-1", authority: str = "Test town") -> Identity:
    signer = signer or MemorySigner()
    certificate = town(authority).certificate(node, signer.key.public_key())
    pem, der = certificate.public_bytes(Encoding.PEM), certificate.public_bytes(Encoding.DER)
    return Identity(signer=signer, certificates=pem, fingerprint=sha256(der).hexdigest())


def write_key(folder: Path, node: str = "pole-1", authority: str = "Test town") -> tuple[Path, Path]:
    """media.key (mode 0600) and media.pem in `folder`, as [seal] of node.toml wants them."""
    signer = MemorySigner()
    key, certificate = folder / "media.key", folder / "media.pem"
    key.touch(0o600)
    key.write_bytes(signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(identity(signer, node, authority).certificates)
    return key, certificate


def opener(signer: MemorySigner) -> Callable[[], Identity]:
    made = identity(signer)
    return lambda: made
