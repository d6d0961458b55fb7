"""A key in a token, with SoftHSM2: what contract tests of all signers do not ask."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.config.model import Seal
from edge.errors import ConfigError
from edge.seal.catalog import create_key, open_signer
from edge.seal.signer import SigningTrouble
from tests.support import softhsm
from tests.support.softhsm import PIN, TOKEN, SoftHsm

pytestmark = pytest.mark.skipif(bool(softhsm.missing()), reason=softhsm.missing() or "-")


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    return SoftHsm(tmp_path / "hsm", monkeypatch.setenv)


def seal_of(token: SoftHsm, **changes: str) -> Seal:
    seal = Seal(
        signer="pkcs11",
        certificate="",
        pkcs11_module=token.module,
        pkcs11_token=TOKEN,
        pkcs11_label="seal",
        pin_file=str(token.pin_file),
        deadline_s=2.0,
    )
    return msgspec.structs.replace(seal, **changes)


def test_the_private_half_never_leaves_the_token(token: SoftHsm) -> None:
    import pkcs11

    create_key(seal_of(token))
    session = pkcs11.lib(token.module).get_token(token_label=TOKEN).open(user_pin=PIN)
    key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label="seal")
    assert key[pkcs11.Attribute.SENSITIVE]
    assert not key[pkcs11.Attribute.EXTRACTABLE]
    with pytest.raises(pkcs11.AttributeSensitive):
        key[pkcs11.Attribute.VALUE]
    session.close()
    pkcs11.unload(token.module)


def test_a_key_that_is_there_is_kept(token: SoftHsm) -> None:
    create_key(seal_of(token))
    with pytest.raises(ConfigError, match="holds a key of this label already"):
        create_key(seal_of(token))
    create_key(seal_of(token, pkcs11_label="other"))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"pkcs11_token": "elsewhere"}, "'elsewhere', key 'seal': there is no token of this label"),
        ({"pkcs11_label": "elsewhere"}, "the token holds no key pair of this label"),
        ({"pkcs11_module": "/nowhere/lib.so"}, "the library /nowhere/lib.so does not load"),
        ({"pkcs11_module": ""}, "seal.pkcs11_module: the signer pkcs11 needs it"),
        ({"pin_file": "/nowhere/pin"}, "seal.pin_file: /nowhere/pin: No such file"),
    ],
)
def test_a_wrong_configuration_is_told_as_one(token: SoftHsm, changes: dict[str, str], text: str) -> None:
    create_key(seal_of(token))
    with pytest.raises(ConfigError, match=text):
        open_signer(seal_of(token, **changes))


def test_a_pin_that_was_refused_is_not_tried_again(token: SoftHsm) -> None:
    """Tokens lock after a few wrong ones, and whoever records asks again and again."""
    create_key(seal_of(token))
    token.pin_file.write_text("4321\n")
    with pytest.raises(ConfigError, match="refuses the PIN"):
        open_signer(seal_of(token))
    with pytest.raises(ConfigError, match="is not tried again"):
        open_signer(seal_of(token))
    token.pin_file.write_text(f"{PIN}\n")
    open_signer(seal_of(token)).close()


def test_a_key_on_another_curve_is_refused(token: SoftHsm) -> None:
    import pkcs11
    from pkcs11.util.ec import encode_named_curve_parameters

    session = pkcs11.lib(token.module).get_token(token_label=TOKEN).open(rw=True, user_pin=PIN)
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp384r1")}
    session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True).generate_keypair(store=True, label="seal")
    session.close()
    pkcs11.unload(token.module)
    with pytest.raises(ConfigError, match="not on curve P-256"):
        open_signer(seal_of(token))


def test_a_token_whose_key_was_replaced_signs_no_more_for_the_old_certificate(token: SoftHsm) -> None:
    seal = seal_of(token, pkcs11_module=token.unruly())
    create_key(seal)
    signer = open_signer(seal)
    token.be("die")
    with pytest.raises(SigningTrouble):
        signer.sign(bytes(32))
    token.be("well")
    token.initialise_again()
    create_key(seal)
    with pytest.raises(SigningTrouble, match="has another key now"):
        signer.sign(bytes(32))
    signer.close()


def test_the_pin_is_neither_in_the_command_line_nor_in_the_environment(token: SoftHsm) -> None:
    create_key(seal_of(token))
    signer = open_signer(seal_of(token))
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"edge.seal.pkcs11_process" in words and str(token.pin_file.parent).encode() in environment:
            found += 1
            assert PIN.encode() not in words.split(b"\0")
            assert b"=" + PIN.encode() not in environment
    assert found == 1
    signer.close()
