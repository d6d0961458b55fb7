"""A small authority for a town's media certificates: for desks, demos and towns that have none of their own.

One root (P-256, may issue leaves only), and leaves as short as they may be, since one rides in each second of footage. Nothing here
expires (9999-12-31, RFC 5280, 4.1.2.5): evidence is checked years later, by validators that look at today's date.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.clock import utc_datetime
from edge.errors import ConfigError, Refused, StorageError, UsageError
from edge.host.linux_disk import LinuxDisk
from edge.host.secret import write_secret
from edge.link.topics import is_level
from edge.seal.certificates import UNREADABLE, fingerprint_of, is_issued_by, p256_key
from edge.seal.trust import read_roots

KEY_NAME = "ca.key"
ROOT_NAME = "ca.pem"
ISSUED_NAME = "issued"
FOR_EVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
_EARLIER = timedelta(days=1)
"""A certificate is valid from so long before it was made: a node's clock may be a little behind."""
_LARGEST_REQUEST_BYTES = 64 * 1024
_LONGEST_NAME = 64
"""ub-common-name (RFC 5280, appendix A)."""
_MODE = 0o644


def make_authority(folder: Path, name: str, now_utc_ns: int) -> Path:
    """Writes ca.key (mode 0600) and ca.pem into `folder`; returns the path of ca.pem. Raises UsageError where there is one already or the
    name does not fit, StorageError."""
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise UsageError(f"the authority's name has 1 to {_LONGEST_NAME} printable characters")
    for path in (folder / KEY_NAME, folder / ROOT_NAME):
        require_absent(path)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    root = (
        _draft(subject, subject, key.public_key(), now_utc_ns)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    LinuxDisk().mkdir(folder)
    write_secret(folder / KEY_NAME, pem)
    _write(folder / ROOT_NAME, root)
    return folder / ROOT_NAME


def sign_request(folder: Path, request: bytes, now_utc_ns: int) -> x509.Certificate:
    """The media certificate for a node's request; a copy stays in `folder`/issued. Of the request only its name and key are taken. Raises
    ConfigError where the authority cannot be used, Refused where the request does not prove that its sender has the key or names no node;
    StorageError."""
    key, root = _read_authority(folder)
    node, public_key = _checked(request)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)])
    certificate = (
        _draft(subject, root.subject, public_key, now_utc_ns)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    LinuxDisk().mkdir(folder / ISSUED_NAME)
    _write(folder / ISSUED_NAME / f"{node}.{fingerprint_of(certificate)[:16]}.pem", certificate)
    return certificate


def write_certificate(path: Path, certificate: x509.Certificate) -> None:
    """Raises UsageError where the file exists, StorageError."""
    require_absent(path)
    _write(path, certificate)


def _read_authority(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    remedy = "name the folder of `edge centre ca init`"
    try:
        key = serialization.load_pem_private_key((folder / KEY_NAME).read_bytes(), password=None)
        root = x509.load_der_x509_certificate(read_roots(folder / ROOT_NAME).certificates[0])
    except OSError as error:
        raise ConfigError(f"{folder / KEY_NAME}: {error.strerror}", remedy=remedy) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{folder / KEY_NAME} is no private key in PEM", remedy=remedy) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or p256_key(root) != key.public_key() or not is_issued_by(root, root):
        raise ConfigError(f"{folder}: {KEY_NAME} and {ROOT_NAME} do not belong together", remedy=remedy)
    return key, root


def _checked(request: bytes) -> tuple[str, ec.EllipticCurvePublicKey]:
    """The node's id and key."""
    if len(request) > _LARGEST_REQUEST_BYTES:
        raise Refused("bad_request", "the request is too large")
    try:
        csr = x509.load_pem_x509_csr(request)
        key, proved = csr.public_key(), csr.is_signature_valid
        names = [name.value for name in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except UNREADABLE as error:
        raise Refused("bad_request", "it is no certificate request in PEM", remedy="make one on the node with `edge key csr`") from error
    if not proved:
        raise Refused("bad_signature", "the request is not signed by the key it is for: it was changed on its way")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Refused("bad_key", "the key of the request is not on curve P-256")
    node = names[0] if len(names) == 1 else ""
    if not isinstance(node, str) or not is_level(node):
        raise Refused("bad_name", "the request does not name one node: its CN must be a node id (letters, digits, . _ -)")
    return node, key


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now_utc_ns: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_datetime(now_utc_ns).replace(microsecond=0) - _EARLIER)
        .not_valid_after(FOR_EVER)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(digital_signature, False, False, False, False, key_cert_sign, False, False, False)


def require_absent(path: Path) -> None:
    """Raises UsageError."""
    if path.exists():
        raise UsageError(f"{path} exists already", remedy="nothing is overwritten: name another place, or move it away yourself")


def _write(path: Path, certificate: x509.Certificate) -> None:
    disk = LinuxDisk()
    disk.replace(path, certificate.public_bytes(serialization.Encoding.PEM))
    try:
        path.chmod(_MODE)
    except OSError as error:
        raise StorageError(f"{path}: its mode cannot be set: {error.strerror}", number=error.errno or 0) from error
