"""`edge key`: create, csr, install, show. The key that signs this node's footage."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from edge.cli.key_options import KeyPlace, certificate_option, signer_options
from edge.cli.options import example, json_option
from edge.errors import ConfigError, UsageError


@click.group(epilog=example("edge key create", "edge key csr > pole-1.csr", "edge key install pole-1.pem", "edge key show"))
def command() -> None:
    """The key that signs this node's footage: it is born here, only a request leaves, a certificate comes back.

    Where it lives is told by [seal] of node.toml, or by --signer and what it needs. Run as the user that records.
    """


@command.command(epilog=example("edge key create", "edge key create --signer file --key keys/seal.key"))
@signer_options
@click.option("--yes-irreversible", is_flag=True, help="rpifwcrypto: burn a key into this board's OTP memory, for ever.")
def create(place: KeyPlace, yes_irreversible: bool) -> None:
    """Make the key where there is none. Nothing is ever overwritten."""
    from edge.seal.catalog import create_key

    create_key(place.seal, irreversible=yes_irreversible)
    click.echo(f"made: {place.text}\nnext: edge key csr")


@command.command(epilog=example("edge key csr > pole-1.csr", "edge key csr --out pole-1.csr"))
@signer_options
@click.option("--node", metavar="ID", help="Default: the node of node.toml.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Default: standard output.")
def csr(place: KeyPlace, node: str | None, out: Path | None) -> None:
    """Make the request for a certificate, to be signed by the authority (`edge centre ca sign`)."""
    from edge.host.linux_disk import LinuxDisk
    from edge.link.topics import is_level
    from edge.seal.request import make_request

    name = node or place.node
    if not is_level(name):
        raise UsageError("whose key is it?", remedy="--node ID: letters, digits, . _ - (at most 63)")
    with place.opened() as signer:
        request = make_request(signer, name)
    if out is None:
        click.echo(request.decode("ascii"), nl=False)
    else:
        LinuxDisk().replace(out, request)
        click.echo(f"{out}: the request of {name}; take it to the authority")


@command.command(epilog=example("edge key install pole-1.pem"))
@click.argument("certificate", type=click.Path(path_type=Path), metavar="CERT.pem")
@certificate_option
@signer_options
def install(certificate: Path, place: KeyPlace) -> None:
    """Put the certificate in force that the authority made: where [seal] certificate says, if it is this key's.

    CERT.pem: the media certificate, then each one's issuer; the root may be left out. Recorders take it up when they are restarted.
    """
    from edge.cli.key_options import put_certificate
    from edge.seal.catalog import check_pair, read_certificate, try_out
    from edge.seal.certificates import fingerprint_of, subject_of

    if not place.seal.certificate:
        raise UsageError("where does it go?", remedy="name it in node.toml as [seal] certificate, or say --certificate FILE")
    bundle = read_certificate(certificate, str(certificate))
    with place.opened() as signer:
        check_pair(bundle, signer, str(certificate))
        try_out(signer)
    put_certificate(Path(place.seal.certificate), bundle.pem)
    click.echo(f"{place.seal.certificate}: {subject_of(bundle.leaf)}\nfingerprint {fingerprint_of(bundle.leaf)}")


@command.command(epilog=example("edge key show", "edge key show --json"))
@certificate_option
@signer_options
@json_option
def show(place: KeyPlace, as_json: bool) -> None:
    """Show the key in force and its certificate. Exit 78: there is none that could sign; 75: not now."""
    from edge.cli.key_options import Shown
    from edge.seal.catalog import check_pair, read_certificate, try_out

    with place.opened() as signer:
        try_out(signer)
        if place.seal.certificate and Path(place.seal.certificate).exists():
            bundle = read_certificate(Path(place.seal.certificate))
            check_pair(bundle, signer, place.seal.certificate)
        else:
            bundle = None
        shown = Shown.of(place, signer, bundle)
    click.echo(msgspec.json.format(msgspec.json.encode(shown)) if as_json else shown.text())
    if bundle is None:
        raise ConfigError("there is no certificate yet: nothing is signed", remedy="edge key csr, then edge key install")
