"""The demo's town certifies its node as a real one does: the key is born with the node, a request leaves, a certificate comes back."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from edge.centre.authority import make_authority, sign_request
from edge.config.model import Seal
from edge.demo.stage import NODE
from edge.seal.catalog import create_key, open_signer
from edge.seal.request import make_request


def certify(folder: Path, now_utc_ns: int) -> tuple[Seal, Path]:
    """([seal] of the node, the certificate that verifiers trust), all made below `folder`."""
    root = make_authority(folder / "ca", "Demo town", now_utc_ns)
    seal = Seal(key=str(folder / "keys" / "media.key"), certificate=str(folder / "keys" / "media.pem"))
    create_key(seal)
    signer = open_signer(seal)
    try:
        request = make_request(signer, NODE)
    finally:
        signer.close()
    Path(seal.certificate).write_bytes(sign_request(folder / "ca", request, now_utc_ns).public_bytes(Encoding.PEM))
    return seal, root
