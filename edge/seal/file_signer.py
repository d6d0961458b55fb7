"""The private key in a file: P-256, PEM, without a password, readable by nobody else. Assurance "file": who has the disk has the key."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from edge.config.secrets import read_secret
from edge.errors import ConfigError
from edge.host.linux_disk import LinuxDisk
from edge.host.secret import write_secret
from edge.seal.certificates import spki
from edge.seal.ecdsa import require_digest
from edge.seal.signer import Assurance

_SHA256 = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


class FileSigner:
    """The port `Signer`. Raises ConfigError for a file that cannot be used."""

    assurance: Assurance = "file"

    def __init__(self, path: Path) -> None:
        self._key = _read(path)
        self.public_key = spki(self._key.public_key())

    def sign(self, digest: bytes) -> bytes:
        require_digest(digest)
        return self._key.sign(digest, _SHA256)

    def close(self) -> None: ...


def create_key_file(path: Path) -> None:
    """A new key, mode 0600; its folder is made where there is none. Raises UsageError where the file exists, StorageError."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    LinuxDisk().mkdir(path.parent)
    write_secret(path, pem)


def _read(path: Path) -> ec.EllipticCurvePrivateKey:
    pem = read_secret(path, "seal.key")
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # OpenSSL's own words say nothing to the reader.
        raise ConfigError(f"seal.key: {path} is no private key in PEM without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(f"seal.key: {path} is not on curve P-256", remedy="make one with `edge key create`")
    return key
