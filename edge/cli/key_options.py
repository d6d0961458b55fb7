"""Where the key of `edge key` lives: [seal] of node.toml, or the options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click
import msgspec

from edge.cli.options import config_option, load_for_people
from edge.config.model import Seal
from edge.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from edge.seal.certificates import Bundle
    from edge.seal.signer import Signer

CERTIFICATE_MODE = 0o644

_F = TypeVar("_F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--signer", type=click.Choice(["file", "pkcs11", "rpifwcrypto"]), help="Instead of [seal]: where the key lives."),
    click.option("--key", default="", metavar="FILE", help="Signer file: the private key."),
    click.option("--module", default="", metavar="FILE", help="Signer pkcs11: the token's library."),
    click.option("--token", default="", metavar="LABEL", help="Signer pkcs11: label of the token."),
    click.option("--label", default="", help="Signer pkcs11: label of the key."),
    click.option("--pin-file", default="", metavar="FILE", help="Signer pkcs11: file (mode 0600) with the PIN on its first line."),
    click.option("--rpi-key", type=click.IntRange(1, 8), default=1, show_default=True, help="Signer rpifwcrypto: number of the OTP key."),
)


class KeyPlace:
    """seal: as if from node.toml. node: "" where no node.toml was read."""

    def __init__(self, seal: Seal, node: str) -> None:
        self.seal = seal
        self.node = node

    @property
    def text(self) -> str:
        if self.seal.signer == "file":
            return f"{self.seal.key} (mode 0600)"
        if self.seal.signer == "pkcs11":
            return f"key {self.seal.pkcs11_label} in token {self.seal.pkcs11_token}"
        return f"OTP key {self.seal.rpi_key} of this board"

    @contextmanager
    def opened(self) -> Iterator[Signer]:
        """Raises ConfigError, SigningTrouble."""
        from edge.seal.catalog import open_signer

        signer = open_signer(self.seal)
        try:
            yield signer
        finally:
            signer.close()


def signer_options(function: _F) -> _F:
    """--config, --signer and what belongs to it, passed on together as `place`."""

    @wraps(function)
    def placed(
        *,
        config_path: Path | None,
        signer: Literal["file", "pkcs11", "rpifwcrypto"] | None,
        key: str,
        module: str,
        token: str,
        label: str,
        pin_file: str,
        rpi_key: int,
        certificate_path: str = "",
        **others: Any,
    ) -> Any:
        if signer is None:
            return function(place=_configured(config_path), **others)
        seal = Seal(
            signer=signer,
            certificate=certificate_path,
            key=key,
            pkcs11_module=module,
            pkcs11_token=token,
            pkcs11_label=label,
            pin_file=pin_file,
            rpi_key=rpi_key,
        )
        return function(place=KeyPlace(seal, ""), **others)

    decorated: Any = placed
    for option in reversed((config_option, *_OPTIONS)):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def certificate_option(function: _F) -> _F:
    """--certificate FILE, for commands that need it as well; above `signer_options`."""
    text = "With --signer: where the certificate in force is."
    return click.option("--certificate", "certificate_path", default="", metavar="FILE", help=text)(function)


def _configured(config_path: Path | None) -> KeyPlace:
    loaded = load_for_people(config_path)
    if loaded.config.seal is None:
        raise ConfigError(f"{loaded.path} has no [seal] section: nothing is signed", remedy="add one, or say --signer")
    return KeyPlace(loaded.config.seal, loaded.config.node.id)


def put_certificate(path: Path, pem: bytes) -> None:
    """Whole or not at all, readable by everybody. Raises StorageError."""
    from edge.host.linux_disk import LinuxDisk

    disk = LinuxDisk()
    disk.mkdir(path.parent)
    disk.replace(path, pem)
    try:
        path.chmod(CERTIFICATE_MODE)
    except OSError as error:
        raise StorageError(f"{path}: its mode cannot be set: {error.strerror}", number=error.errno or 0) from error


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """public_key_sha256: of its DER SubjectPublicKeyInfo. What comes from the certificate is "" where there is none."""

    signer: str
    assurance: str
    place: str
    public_key_sha256: str
    certificate: str = ""
    fingerprint: str = ""
    subject: str = ""
    not_before: str = ""
    not_after: str = ""

    @classmethod
    def of(cls, place: KeyPlace, signer: Signer, bundle: Bundle | None) -> Shown:
        from edge.clock import format_utc
        from edge.seal.certificates import fingerprint_of, subject_of, validity_of

        known = cls(
            signer=place.seal.signer,
            assurance=signer.assurance,
            place=place.text,
            public_key_sha256=sha256(signer.public_key).hexdigest(),
        )
        if bundle is None:
            return known
        begin, end = (format_utc(moment) for moment in validity_of(bundle.leaf))
        return msgspec.structs.replace(
            known,
            certificate=place.seal.certificate,
            fingerprint=fingerprint_of(bundle.leaf),
            subject=subject_of(bundle.leaf),
            not_before=begin,
            not_after=end,
        )

    def text(self) -> str:
        """Lines of name and value."""
        names = {"signer": "signer", "assurance": "assurance", "place": "key", "public_key_sha256": "public key (SHA-256)"}
        more = {"certificate": "certificate", "fingerprint": "fingerprint", "subject": "subject", "not_before": "from", "not_after": "to"}
        rows = [(text, getattr(self, name)) for name, text in {**names, **more}.items() if getattr(self, name)]
        return "\n".join(f"{text:<21} {value}" for text, value in rows)
