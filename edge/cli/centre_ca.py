"""`edge centre ca`: init, sign. A small authority for a desk, a demo or a town that has none."""

from __future__ import annotations

from pathlib import Path

import click

from edge.cli.options import example
from edge.errors import UsageError

LARGEST_REQUEST_BYTES = 64 * 1024


@click.group(epilog=example("edge centre ca init town-ca", "edge centre ca sign town-ca pole-1.csr --out pole-1.pem"))
def ca() -> None:
    """A small authority that certifies the keys nodes sign footage with."""


@ca.command(epilog=example("edge centre ca init town-ca --name 'Gmina Przyklad'"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", default="edge town CA", show_default=True, help="Rides in every second of footage: keep it short.")
def init(folder: Path, name: str) -> None:
    """Make the authority: FOLDER/ca.key certifies and stays here; FOLDER/ca.pem is what verifiers trust."""
    from edge.centre.authority import KEY_NAME, make_authority
    from edge.cli.centre_link import now_utc_ns

    root = make_authority(folder, name, now_utc_ns())
    click.echo(f"{folder / KEY_NAME}: certifies keys; keep it off the network, with a copy in a safe\n{root}: give it to whoever verifies")


@ca.command(epilog=example("edge centre ca sign town-ca pole-1.csr --out pole-1.pem"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("request", type=click.Path(path_type=Path), metavar="CSR.pem")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="CERT.pem", help="Where the certificate goes.")
def sign(folder: Path, request: Path, out: Path) -> None:
    """Certify the key of a node's request (`edge key csr`). Make sure by other means that it came from that node."""
    from edge.centre.authority import require_absent, sign_request, write_certificate
    from edge.cli.centre_link import now_utc_ns
    from edge.seal.certificates import fingerprint_of, subject_of

    require_absent(out)
    certificate = sign_request(folder, _read(request), now_utc_ns())
    write_certificate(out, certificate)
    click.echo(
        f"{out}: {subject_of(certificate)}, fingerprint {fingerprint_of(certificate)}\nnext, on the node: edge key install {out.name}"
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_REQUEST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
