"""Runs a token's PKCS#11 library, so that the recorder does not. `python -m edge.seal.pkcs11_process --fd N --parent PID`.

A vendor's library may crash, hang or leak: it then takes this process with it, which is started again. The PIN comes as a message, never on
the command line or in the environment. It carries no `cryptography`: the smaller, the sooner it is back.
"""

from __future__ import annotations

import argparse
import socket
import sys
from typing import Any

from edge.host.child import die_with_parent
from edge.seal.pkcs11_wire import Message, Open, Opened, Sign, Signed, Trouble, receive, send

CURVE = "secp256r1"
LASTING_FAULTS = {
    "NoSuchToken": "there is no token of this label",
    "MultipleTokensReturned": "there are several tokens of this label",
    "NoSuchKey": "the token holds no key pair of this label (private and public half)",
    "MultipleObjectsReturned": "the token holds several keys of this label",
    "MechanismInvalid": "the token does not sign with ECDSA",
    "KeyTypeInconsistent": "the key of this label is of another kind",
    "UserPinNotInitialized": "the token has no user PIN yet",
    "TokenWriteProtected": "the token is write-protected",
}
"""Of the binding's exceptions: those that do not pass by themselves."""
PIN_FAULTS = ("PinIncorrect", "PinInvalid", "PinLenRange", "PinExpired", "PinLocked")


class Token:
    """The key in its token, found and ready to sign."""

    def __init__(self, request: Open) -> None:
        import pkcs11
        from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

        token = _load(request.module).get_token(token_label=request.token)
        if pkcs11.TokenFlag.USER_PIN_FINAL_TRY in token.flags:
            raise PinNotTried("one wrong PIN more locks the token: it is not tried; log in by hand with the right one first")
        session = token.open(rw=request.create, user_pin=request.pin)
        curve = encode_named_curve_parameters(CURVE)
        if request.create:
            _make_pair(session, request.label, curve)
        self._mechanism = pkcs11.Mechanism.ECDSA
        self._private: Any = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=request.label)
        public: Any = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=request.label)
        if public.key_type != pkcs11.KeyType.EC or public[pkcs11.Attribute.EC_PARAMS] != curve:
            raise Unusable("the key of this label is not on curve P-256")
        self.public_key: bytes = encode_ec_public_key(public)

    def sign(self, digest: bytes) -> bytes:
        return bytes(self._private.sign(digest, mechanism=self._mechanism))


class PinNotTried(Exception):
    """Trying it could lock the token."""


class Unusable(Exception):
    """Library, token or key: an operator must correct it. In words."""


def _load(module: str) -> Any:
    import pkcs11

    try:
        return pkcs11.lib(module)
    except RuntimeError as error:
        if type(error).__name__ in ("RuntimeError", "PKCS11Error"):  # else the library's own answer to C_Initialize
            raise Unusable(f"the library {module} does not load: {error}") from error
        raise


def _make_pair(session: Any, label: str, curve: bytes) -> None:
    """In the token, from where the private half never comes out."""
    import pkcs11

    for kind in (pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.ObjectClass.PUBLIC_KEY):
        if next(iter(session.get_objects({pkcs11.Attribute.CLASS: kind, pkcs11.Attribute.LABEL: label})), None) is not None:
            raise Unusable("the token holds a key of this label already: nothing is overwritten")
    domain = session.create_domain_parameters(pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: curve}, local=True)
    domain.generate_keypair(
        store=True,
        label=label,
        capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
        private_template={pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False},
    )


def _answer_open(request: Open) -> tuple[Token | None, Message]:
    try:
        token = Token(request)
    except ImportError as error:
        return None, Trouble("config", f"{error.name} is not installed - pip install 'edge-recorder[pkcs11]'")
    except PinNotTried as error:
        return None, Trouble("pin", str(error))
    except Unusable as error:
        return None, Trouble("config", str(error))
    except RuntimeError as error:  # the binding's: PKCS11Error
        return None, _trouble(error)
    return token, Opened(token.public_key)


def _trouble(error: RuntimeError) -> Trouble:
    name = type(error).__name__
    if name in PIN_FAULTS:
        return Trouble("pin", f"the token refuses the PIN ({name})")
    if name in LASTING_FAULTS:
        return Trouble("config", LASTING_FAULTS[name])
    return Trouble("passing", f"the token failed: {name} {error}".rstrip())


def serve(connection: socket.socket) -> None:
    """One Open, then Sign after Sign, until the other end is gone or the token fails: a fresh process knows no stale session."""
    request = receive(connection)
    if not isinstance(request, Open):
        return
    token, answer = _answer_open(request)
    send(connection, answer)
    while token is not None and isinstance(asked := receive(connection), Sign):
        try:
            send(connection, Signed(token.sign(asked.digest)))
        except RuntimeError as error:
            send(connection, _trouble(error))
            return


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m edge.seal.pkcs11_process")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    words = parser.parse_args()
    die_with_parent(words.parent)
    with socket.socket(fileno=words.fd) as connection:
        try:
            serve(connection)
        except OSError as error:
            sys.exit(f"the signer is gone: {error}")


if __name__ == "__main__":
    main()
