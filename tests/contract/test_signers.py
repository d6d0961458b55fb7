"""What every signer promises (edge/seal/signer.py), tried on a key file, on a real PKCS#11 token (SoftHSM2) and on the stand-ins for the
Raspberry Pi's tools."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import monotonic

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from edge.config.model import Seal
from edge.seal.catalog import create_key, open_signer, try_out
from edge.seal.signer import Signer, SigningTrouble
from tests.support import softhsm
from tests.support.rpi_tools import RpiTools
from tests.support.softhsm import TOKEN, SoftHsm

DEADLINE_S = 0.4
DIGEST = sha256(b"footage").digest()
MEND_S = 30.0


class Backend:
    """A signer's surroundings. seal: the configuration. be: well, hang or die."""

    def __init__(self, seal: Seal, be: Callable[[str], None]) -> None:
        self.seal = seal
        self.be = be
        create_key(seal, irreversible=True)

    def open(self) -> Signer:
        return open_signer(self.seal)


def file_backend(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    return Backend(Seal(certificate="", key=str(folder / "seal.key")), lambda mood: None)


def token_backend(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    if softhsm.missing():
        pytest.skip(softhsm.missing())
    token = SoftHsm(folder / "hsm", monkeypatch.setenv)
    seal = Seal(
        signer="pkcs11",
        certificate="",
        pkcs11_module=token.unruly(),
        pkcs11_token=TOKEN,
        pkcs11_label="seal",
        pin_file=str(token.pin_file),
        deadline_s=DEADLINE_S,
    )
    return Backend(seal, token.be)


def rpi_backend(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    tools = RpiTools(folder / "tools")
    monkeypatch.setenv("PATH", f"{tools.folder}:{os.environ['PATH']}")
    return Backend(Seal(signer="rpifwcrypto", certificate="", deadline_s=2.0), tools.be)


BACKENDS = {"file": file_backend, "pkcs11": token_backend, "rpifwcrypto": rpi_backend}
OUTSIDE = ("pkcs11", "rpifwcrypto")
"""Those that can hang or die. A key in a file is in memory once it is read."""


@pytest.fixture(params=list(BACKENDS))
def backend(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    return BACKENDS[request.param](tmp_path, monkeypatch)


def children() -> set[int]:
    """Processes that this one has started and that are still there."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.add(int(path.parent.name))
    return found


def verify(signer: Signer, digest: bytes, signature: bytes) -> None:
    key = serialization.load_der_public_key(signer.public_key)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    key.verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def signed_again(signer: Signer) -> bytes:
    """The first signature after trouble. A process that starts anew may miss a few deadlines on a slow machine."""
    until = monotonic() + MEND_S
    while True:
        try:
            return signer.sign(DIGEST)
        except SigningTrouble:
            assert monotonic() < until


def test_a_signature_verifies_under_the_public_key(backend: Backend) -> None:
    signer = backend.open()
    for text in (b"", b"a", b"b"):
        digest = sha256(text).digest()
        signature = signer.sign(digest)
        assert len(signature) <= 72
        verify(signer, digest, signature)
    signer.close()


def test_the_key_is_the_same_each_time_it_is_opened(backend: Backend) -> None:
    first, second = backend.open(), backend.open()
    assert first.public_key == second.public_key
    verify(first, DIGEST, second.sign(DIGEST))
    first.close()
    second.close()


@pytest.mark.parametrize("size", [0, 20, 31, 33, 64])
def test_anything_but_a_sha256_digest_is_refused(backend: Backend, size: int) -> None:
    signer = backend.open()
    with pytest.raises(ValueError, match=f"a digest of {size} bytes"):
        signer.sign(bytes(size))
    verify(signer, DIGEST, signer.sign(DIGEST))
    signer.close()


def test_no_process_is_left_after_close(backend: Backend) -> None:
    before = children()
    signer = backend.open()
    signer.sign(DIGEST)
    signer.close()
    assert children() <= before


def test_a_signer_passes_its_trial(backend: Backend) -> None:
    signer = backend.open()
    try_out(signer)
    signer.close()


@pytest.mark.parametrize("mood", ["hang", "die"])
@pytest.mark.parametrize("backend", OUTSIDE, indirect=True)
def test_a_backend_that_hangs_or_dies_is_trouble_within_the_deadline_and_signs_again_when_it_is_well(backend: Backend, mood: str) -> None:
    before = children()
    signer = backend.open()
    backend.be(mood)
    for _ in range(3):
        began = monotonic()
        with pytest.raises(SigningTrouble):
            signer.sign(DIGEST)
        assert monotonic() - began < backend.seal.deadline_s + 3.0
    backend.be("well")
    verify(signer, DIGEST, signed_again(signer))
    signer.close()
    assert children() <= before


@pytest.mark.parametrize("backend", ["pkcs11"], indirect=True)
def test_a_library_that_hangs_is_killed_and_not_gathered(backend: Backend) -> None:
    before = children()
    signer = backend.open()
    backend.be("hang")
    for _ in range(3):
        with pytest.raises(SigningTrouble):
            signer.sign(DIGEST)
    assert len(children() - before) <= 1
    signer.close()
    assert children() <= before
