"""A small authority, for TLS in tests."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_FROM = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
_TO = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Writes `<name>.pem` and `<name>.key` into its folder; its own certificate is `ca.pem`."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ca = folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._revoked: list[int] = []
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        made = (
            self._draft(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *addresses: str, until: datetime.datetime = _TO) -> tuple[Path, Path]:
        """Certificate and key for `name`; `addresses`: IP addresses or host names it is valid for. until: its last moment. Each file is
        replaced whole."""
        key = ec.generate_private_key(ec.SECP256R1())
        draft = self._draft(_name(name), key, until).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        if addresses:
            draft = draft.add_extension(x509.SubjectAlternativeName([_general(each) for each in addresses]), critical=False)
        certificate, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        _replace(private, plain)
        _replace(certificate, draft.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return certificate, private

    def revoke(self, *names: str) -> Path:
        """The list of what is revoked, with the certificates that `names` have now added to it."""
        for name in names:
            self._revoked.append(x509.load_pem_x509_certificate((self.folder / f"{name}.pem").read_bytes()).serial_number)
        draft = x509.CertificateRevocationListBuilder().issuer_name(self._name).last_update(_FROM).next_update(_TO)
        for number in self._revoked:
            draft = draft.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(number).revocation_date(_FROM).build())
        path = self.folder / "crl.pem"
        path.write_bytes(draft.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    def _draft(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime.datetime = _TO) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_FROM)
            .not_valid_after(until)
        )


def _replace(path: Path, data: bytes) -> None:
    """With a mode as secrets have it."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(data)
    new.chmod(0o600)
    new.replace(path)


def _general(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
