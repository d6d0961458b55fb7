"""Which signer a configuration means, and whether it, its certificate and the clock fit together. Adapters are imported when needed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from edge.clock import NS_PER_S, Reading, format_utc
from edge.config.model import Seal
from edge.config.secrets import read_first_line
from edge.errors import ConfigError
from edge.seal.certificates import LARGEST_CHAIN_BYTES, BadCertificate, Bundle, fingerprint_of, read_bundle, spki, validity_of
from edge.seal.pkcs11_wire import Open
from edge.seal.signer import Identity, Signer, SigningTrouble

_TRIAL = sha256(b"edge-recorder: does this key sign?").digest()


def open_identity(seal: Seal, now: Reading | None = None) -> Identity:
    """The signer with its certificate, tried out. now: where it is dated, the certificate must be valid. Blocks for as long as the adapter
    needs to open. Raises ConfigError for what an operator must correct, SigningTrouble for what may pass: whoever records goes on unsigned
    and tries again later."""
    bundle = read_certificate(Path(seal.certificate))
    _check_time(bundle, seal.certificate, now)
    signer = open_signer(seal)
    try:
        check_pair(bundle, signer, f"seal.certificate: {seal.certificate}")
        try_out(signer)
    except BaseException:
        signer.close()
        raise
    return Identity(signer, bundle.pem, fingerprint_of(bundle.leaf))


def open_signer(seal: Seal) -> Signer:
    """Without its certificate, for making and installing one. Raises ConfigError, SigningTrouble."""
    if seal.signer == "file":
        from edge.seal.file_signer import FileSigner

        return FileSigner(Path(needed(seal, "key")))
    if seal.signer == "pkcs11":
        from edge.seal.pkcs11_signer import Pkcs11Signer

        return Pkcs11Signer(token_of(seal), seal.deadline_s)
    from edge.seal.rpi_signer import RpiSigner

    return RpiSigner(seal.rpi_key, seal.deadline_s)


def create_key(seal: Seal, *, irreversible: bool = False) -> None:
    """Makes the key that `seal` names, where there is none. irreversible: a key that can never be erased may be made. Raises UsageError
    where there is one already or this was not allowed, ConfigError, SigningTrouble, StorageError."""
    if seal.signer == "file":
        from edge.seal.file_signer import create_key_file

        create_key_file(Path(needed(seal, "key")))
    elif seal.signer == "pkcs11":
        from edge.seal.pkcs11_signer import Pkcs11Signer

        Pkcs11Signer(msgspec.structs.replace(token_of(seal), create=True), seal.deadline_s).close()
    else:
        from edge.seal.rpi_signer import create_otp_key

        create_otp_key(seal.rpi_key, irreversible=irreversible)


def needed(seal: Seal, key: str) -> str:
    """Raises ConfigError where this signer's key is left out."""
    value = getattr(seal, key)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"seal.{key}: the signer {seal.signer} needs it")
    return value


def token_of(seal: Seal) -> Open:
    return Open(
        module=needed(seal, "pkcs11_module"),
        token=needed(seal, "pkcs11_token"),
        label=needed(seal, "pkcs11_label"),
        pin=read_first_line(Path(needed(seal, "pin_file")), "seal.pin_file"),
    )


def read_certificate(path: Path, name: str = "") -> Bundle:
    """name: how the operator knows the file, "" for [seal] certificate. Raises ConfigError."""
    name = name or f"seal.certificate: {path}"
    try:
        with path.open("rb") as file:
            return read_bundle(file.read(LARGEST_CHAIN_BYTES + 1))
    except OSError as error:
        remedy = "send the request (`edge key csr`) to the authority, then `edge key install` what it returns"
        raise ConfigError(f"{name}: {error.strerror}", remedy=remedy) from error
    except BadCertificate as error:
        raise ConfigError(f"{name}: {error}") from error


def check_pair(bundle: Bundle, signer: Signer, name: str) -> None:
    """Raises ConfigError where the certificate is another key's."""
    if spki(bundle.key) != signer.public_key:
        raise ConfigError(f"{name}: it is the certificate of another key", remedy="install the one made from this node's request")


def try_out(signer: Signer) -> None:
    """One signature, so that a signer that does not do what it says is found now and not in court. Raises SigningTrouble."""
    key = serialization.load_der_public_key(signer.public_key)
    signature = signer.sign(_TRIAL)
    try:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(signature, _TRIAL, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except InvalidSignature as error:
        raise SigningTrouble("the signer's signature is not by its own public key") from error


def _check_time(bundle: Bundle, name: str, now: Reading | None) -> None:
    begin_ns, end_ns = validity_of(bundle.leaf)
    if now is None or not now.dated or begin_ns <= now.utc_ns < end_ns + NS_PER_S:
        return
    raise ConfigError(
        f"seal.certificate: {name}: it is valid from {format_utc(begin_ns)} to {format_utc(end_ns)}, not now",
        remedy="ask the authority for a new one",
    )
