"""The attack table of commands: what somebody sends, what the node answers, and why. docs/attacks.md is made from it.

Who attacks can publish on the broker and has every command ever sent, but not the centre's key. Rows signed with that key are there too:
what the centre's own program could get wrong must not end a node.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from jwt import PyJWK

from edge.clock import NS_PER_S, ClockState
from edge.command.dispatch import COMMAND_MAX_BYTES, HOUR_S
from edge.messages.wire import Response
from edge.seal.ecdsa import to_der, to_raw
from tests.support.obeying import BOOT, KEY, PER_OPERATOR_AND_HOUR, Node

OBEYED = "obeyed"
STORED = "the stored answer"
DAY_S = 86_400
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256 (SEC 2, section 2.4.2)."""
ROGUE = ec.generate_private_key(ec.SECP256R1())
_HEADER: dict[str, Any] = {"alg": "ES256", "typ": "JWT"}

Play = Callable[[Node], Response | Node]
"""Sends it. Returns the node that answered last, where that is another one."""


@dataclass(frozen=True, kw_only=True)
class CommandRow:
    """answer: the last one: a code of a refusal, OBEYED, or STORED (obeyed once, at first, and not again)."""

    name: str
    changed: str
    answer: str
    why: str
    play: Play

    def played(self) -> Node:
        """The node that has just given the last answer."""
        node = Node()
        last = self.play(node)
        return last if isinstance(last, Node) else node


@dataclass(frozen=True)
class CommandSection:
    title: str
    rows: list[CommandRow]


def b64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def es256(signed: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    return to_raw(key.sign(signed, ec.ECDSA(hashes.SHA256())))


def jws(header: bytes | dict[str, Any], payload: bytes, sign: Callable[[bytes], bytes] = es256) -> bytes:
    """Of any header and any payload."""
    head = b64(header if isinstance(header, bytes) else msgspec.json.encode(header)) + b"." + b64(payload)
    return head + b"." + b64(sign(head))


def claims(node: Node, **changes: object) -> dict[str, Any]:
    now_s = node.clock.read().utc_ns // NS_PER_S
    good = {"id": "c1", "verb": "note", "aud": "pole-1", "iat": now_s, "exp": now_s + 300, "operator": "a.nowak", "case": "12/26"}
    return {**good, **changes}


def payload(node: Node, **changes: object) -> bytes:
    return msgspec.json.encode(claims(node, **changes))


def resigned(token: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The same command with another signature made from its own."""
    head, _, signature = token.rpartition(b".")
    return head + b"." + b64(change(urlsafe_b64decode(signature + b"==")))


def with_header(**more: object) -> Play:
    """Signed by the centre's key, as if its program had been made to add that."""
    return lambda node: node.take(jws(_HEADER | more, payload(node)))


def forged(header: bytes | dict[str, Any], sign: Callable[[bytes], bytes] = lambda _: b"") -> Play:
    return lambda node: node.take(jws(header, payload(node), sign))


def stating(**changes: object) -> Play:
    return lambda node: node.take(jws(_HEADER, payload(node, **changes)))


def of_bytes(make: Callable[[bytes], bytes]) -> Play:
    """The claims' JSON changed as text, then signed."""
    return lambda node: node.take(jws(_HEADER, make(payload(node))))


def twice(second: Callable[[bytes], bytes]) -> Play:
    def play(node: Node) -> Response:
        token = node.token()
        node.take(token)
        return node.take(second(token))

    return play


def row(name: str, changed: str, answer: str, why: str, play: Play) -> CommandRow:
    return CommandRow(name=name, changed=changed, answer=answer, why=why, play=play)


def _hs256(node: Node) -> Response:
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return node.take(jws({"alg": "HS256"}, payload(node), lambda head: hmac.new(public, head, sha256).digest()))


def _es384(head: bytes) -> bytes:
    return ec.generate_private_key(ec.SECP384R1()).sign(head, ec.ECDSA(hashes.SHA384()))


def _rs256(head: bytes) -> bytes:
    return rsa.generate_private_key(65537, 2048).sign(head, PKCS1v15(), hashes.SHA256())


def _own_key(**header: object) -> Play:
    return forged(_HEADER | header, lambda head: es256(head, ROGUE))


def _jwk() -> dict[str, object]:
    numbers = ROGUE.public_key().public_numbers()
    found: dict[str, object] = {"kty": "EC", "crv": "P-256"}
    found |= {name: b64(value.to_bytes(32, "big")).decode() for name, value in (("x", numbers.x), ("y", numbers.y))}
    assert PyJWK(found).key_id is None
    return found


def _other_s(raw: bytes) -> bytes:
    """(r, n - s): for anybody to make, and as valid as (r, s)."""
    return raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")


SIGNATURE_ROWS = [
    row("Nothing", "nothing: the control", OBEYED, "signed by the centre, for this node, now", lambda node: node.take(node.token())),
    *(
        row(f"alg: {alg}", "no signature at all", "bad_signature", "ES256 and nothing else", forged({"alg": alg}))
        for alg in ("none", "None", "nOnE", "")
    ),
    row("No alg", "a header that says nothing", "bad_signature", "ES256 and nothing else", forged({})),
    row("alg: HS256", "the public key as the secret", "bad_signature", "a key has one use, whatever the header says", _hs256),
    row("alg: ES384", "a signature on another curve", "bad_signature", "ES256 and nothing else", forged({"alg": "ES384"}, _es384)),
    row("alg: RS256", "an RSA signature", "bad_signature", "ES256 and nothing else", forged({"alg": "RS256"}, _rs256)),
    row("Another key", "signed by a key of the attacker", "bad_signature", "one key, from the node's configuration", _own_key()),
    row("jwk", "the attacker's key in the header", "bad_signature", "keys in headers are not looked at", _own_key(jwk=_jwk())),
    row("jku", "an address of keys", "bad_signature", "nothing is fetched", _own_key(jku="http://127.0.0.1:1/keys.json")),
    row("x5u", "an address of certificates", "bad_signature", "nothing is fetched", _own_key(x5u="http://127.0.0.1:1/x.pem")),
    row("x5c", "a certificate in the header", "bad_signature", "certificates in headers are not looked at", _own_key(x5c=["MIIB"])),
    row("kid: a file", "kid names a file of the node", "bad_signature", "kid chooses nothing", _own_key(kid="../../../dev/null")),
    row("kid: another word", "in a command that is well signed", OBEYED, "kid chooses nothing", with_header(kid="../../dev/null")),
    row("crit: unknown", "an extension to be understood", "bad_signature", "it is not (RFC 7515, 4.1.11)", with_header(crit=["x"], x=1)),
    row("crit: empty", "a list of no extensions", "bad_signature", "forbidden (RFC 7515, 4.1.11)", with_header(crit=[])),
    row("b64: false", "claims not encoded", "bad_signature", "an extension (RFC 7797)", with_header(b64=False, crit=["b64"])),
    row("zip", "claims are said to be packed", OBEYED, "zip means nothing in a JWS; claims are read as they are", with_header(zip="DEF")),
    row(
        "Header: alg twice",
        "none, then ES256",
        "bad_signature",
        "what it says is not signed by the centre",
        forged(b'{"alg":"none","alg":"ES256"}'),
    ),
    row("Header: deep", "10,000 lists in one another", "too_large", "nothing is read of it", forged(b'{"alg":' + b"[" * 10_000)),
    row("Header: deep, short", "1,000 lists in one another", "bad_signature", "it is no JSON", forged(b'{"alg":' + b"[" * 1000)),
    row("Header: not UTF-8", "UTF-16", "bad_signature", "JSON is UTF-8", forged('{"alg":"ES256"}'.encode("utf-16"))),
    row("Header: a list", "no object", "bad_signature", "a header is an object", forged(b'["ES256"]')),
    row(
        "Header: a huge number", "5,000 digits", "bad_signature", "no limit is met, and none fails", forged(b'{"alg":' + b"9" * 5000 + b"}")
    ),
    row(
        "DER",
        "the signature in DER",
        "bad_signature",
        "r and s, 64 bytes (RFC 7518, 3.4)",
        lambda node: node.take(resigned(node.token(), to_der)),
    ),
    row(
        "r = 0, s = 0",
        "64 zero bytes",
        "bad_signature",
        "r and s begin at 1",
        lambda node: node.take(resigned(node.token(), lambda _: bytes(64))),
    ),
    row(
        "Cut signature",
        "its last byte",
        "bad_signature",
        "r and s, 64 bytes",
        lambda node: node.take(resigned(node.token(), lambda raw: raw[:-1])),
    ),
    row(
        "(r, n - s)",
        "the other valid signature of a command that was obeyed",
        STORED,
        "ids are compared, not signatures",
        twice(lambda token: resigned(token, _other_s)),
    ),
]

CLAIM_ROWS = [
    row("aud: another node", "", "wrong_audience", "for one node", stating(aud="pole-2")),
    row("aud: a list", "this node in a list", "bad_claims", "a text", stating(aud=["pole-1"])),
    row(
        "aud: all", "as to all nodes, on the topic of one", "wrong_audience", "the topic and the signed word must agree", stating(aud="all")
    ),
    row("exp: a fraction", "", "bad_claims", "whole seconds", of_bytes(lambda text: text.replace(b'"exp":', b'"exp":0.5e10,"x":'))),
    row("exp: true", "", "bad_claims", "whole seconds", stating(exp=True)),
    row("exp: a text", "", "bad_claims", "whole seconds", stating(exp="9999999999")),
    row("exp: below 0", "", "bad_claims", "seconds since 1970", stating(iat=-300, exp=-1)),
    row("exp: never", "none", "bad_claims", "nothing is good for ever", of_bytes(lambda text: text.replace(b'"exp":', b'"x":'))),
    row(
        "exp: far off",
        "10^30",
        "bad_claims",
        "at most 600 s after iat",
        of_bytes(lambda text: text.replace(b'"exp":', b'"exp":1' + b"0" * 30 + b',"x":')),
    ),
    row(
        "iat: the year 10^22",
        "with an exp to fit",
        "bad_claims",
        "years have four digits",
        of_bytes(
            lambda text: text.replace(b'"iat":', b'"iat":1' + b"0" * 29 + b',"x":').replace(b'"exp":', b'"exp":1' + b"0" * 28 + b'9,"y":')
        ),
    ),
    row(
        "iat: ahead",
        "two minutes",
        "not_yet",
        "clocks may differ by a minute",
        lambda node: node.take(node.token(iat=claims(node)["iat"] + 120, exp=claims(node)["iat"] + 180)),
    ),
    row(
        "exp: over",
        "a second ago",
        "expired",
        "it is over",
        lambda node: node.take(node.token(iat=claims(node)["iat"] - 300, exp=claims(node)["iat"] - 1)),
    ),
    row(
        "id: a path", "../../etc/cron.d/x", "bad_claims", "letters, digits, . _ -: it becomes a file name", stating(id="../../etc/cron.d/x")
    ),
    row("id: a zero byte", "", "bad_claims", "letters, digits, . _ -", stating(id="c1\0.json")),
    row("id: a line end", "", "bad_claims", "letters, digits, . _ -", stating(id="c1\n")),
    row("id: empty", "", "bad_claims", "letters, digits, . _ -", stating(id="")),
    row("id: 5,000 letters", "", "bad_claims", "at most 63", stating(id="c" * 5000)),
    row("id: 10,000 letters", "", "too_large", f"at most {COMMAND_MAX_BYTES} bytes in all", stating(id="c" * 10_000)),
    row("id: forgotten", "the name of the ledger's own file", OBEYED, "entries have names of their own", stating(id="forgotten")),
    row("operator: none", "", "bad_claims", "somebody must ask", stating(operator="")),
    row(
        "args: deep",
        "2,000 lists in one another",
        "bad_claims",
        "no limit is met, and none fails",
        of_bytes(lambda text: text[:-1] + b',"args":{"x":' + b"[" * 2000 + b"]" * 2000 + b"}}"),
    ),
    row("args: NaN", "", "bad_claims", "no JSON", of_bytes(lambda text: text[:-1] + b',"args":{"x":NaN}}')),
    row(
        "args: 10^400",
        "",
        OBEYED,
        "the verb judges what it is given",
        of_bytes(lambda text: text[:-1] + b',"args":{"x":1' + b"0" * 400 + b"}}"),
    ),
    row("args: half a surrogate pair", "", "bad_claims", "no text", of_bytes(lambda text: text[:-1] + b',"args":{"x":"\\ud800"}}')),
    row("Not UTF-8", "a byte FF in the case", "bad_claims", "JSON is UTF-8", of_bytes(lambda text: text.replace(b"12/26", b"\xff"))),
    row("Byte order mark", "in front of the claims", "bad_claims", "JSON has none", of_bytes(lambda text: b"\xef\xbb\xbf" + text)),
    row(
        "A claim twice, the last one wrong",
        "aud of another node behind the right one",
        "wrong_audience",
        "the last one counts, for the check and the verb alike",
        of_bytes(lambda text: text[:-1] + b',"aud":"pole-2"}'),
    ),
    row("A claim more", "that nobody knows", OBEYED, "readers pass over what they do not know", stating(x_later=[1])),
    row("No claims", "an empty payload", "bad_claims", "a command says what", of_bytes(lambda _: b"")),
    row("A list", "for claims", "bad_claims", "claims are an object", of_bytes(lambda text: b"[" + text + b"]")),
]


def _later(seconds: float) -> Play:
    def play(node: Node) -> Response:
        token = node.token()
        node.take(token)
        node.clock.advance(seconds)
        return node.take(token)

    return play


def _signed_again(node: Node) -> Response:
    node.take(node.token())
    node.clock.advance(100)
    return node.take(node.token())


def _id_again(node: Node) -> Response:
    node.take(node.token())
    return node.take(node.token(case="99"))


def _rebooted(boot: str = "") -> Play:
    """Sent again to the node after a power cut that took its clock."""

    def play(node: Node) -> Node:
        token = node.token(boot=boot)
        node.take(token)
        later = node.rebooted("next-boot")
        later.clock.set_state("untrusted")
        later.take(token)
        return later

    return play


def _unset(boot: str) -> Play:
    def play(node: Node) -> Response:
        node.clock.set_state("untrusted")
        return node.take(node.token(boot=boot))

    return play


def _forgotten(node: Node) -> Node:
    small = Node(node.disk, node.clock, most=0)
    token = small.token()
    small.take(token)
    small.clock.advance(2 * DAY_S)
    assert small.ledger.prune(small.clock.read()) == 1
    small.clock.step_utc(-2 * DAY_S)
    small.take(token)
    return small


def _greedy(apart_s: int, state: ClockState = "trusted") -> Play:
    def play(node: Node) -> Response:
        node.clock.set_state(state)
        start_s = claims(node)["iat"]
        for number in range(PER_OPERATOR_AND_HOUR):
            at_s = start_s + number * apart_s
            node.take(node.token(f"c{number}", boot=BOOT, iat=at_s, exp=at_s + 60))
        at_s = start_s + PER_OPERATOR_AND_HOUR * apart_s
        return node.take(node.token("more", boot=BOOT, iat=at_s, exp=at_s + 60))

    return play


WAY_ROWS = [
    row("Sent again", "the same bytes, while they are good", STORED, "the id is on disk before anything is done", _later(10)),
    row("Sent again when it is over", "the same bytes, five minutes later", "expired", "it is over", _later(301)),
    row(
        "Signed again",
        "the same command, another signature and later times",
        STORED,
        "the same id asks for the same",
        _signed_again,
    ),
    row("The id for something else", "another case", "id_reused", "an id stands for one command", _id_again),
    row(
        "Sent again after a power cut",
        "naming the boot before; the clock is lost",
        "clock_untrusted",
        "it names another boot",
        _rebooted(boot=BOOT),
    ),
    row(
        "Sent again after a power cut, no boot named",
        "the clock is lost",
        "clock_untrusted",
        "without a clock only this boot's word counts",
        _rebooted(),
    ),
    row("Clock lost, another boot", "", "clock_untrusted", "it was made for another boot", _unset("the boot before")),
    row("Clock lost, this boot", "", OBEYED, "it was made for this boot, so it is no old one", _unset(BOOT)),
    row(
        "Forgotten, clock set back",
        "an old command, when the ledger has forgotten it and the clock shows its time again",
        "too_old",
        "when forgotten commands expired is kept",
        _forgotten,
    ),
    row("On another verb's topic", "", "wrong_topic", "the signed word counts", lambda node: node.take(node.token(), verb="release")),
    row("On the topic of all", "", "wrong_audience", "it is signed for one", lambda node: node.take(node.token(), to_all=True)),
    row(
        "Retained",
        "so that it comes at every connection",
        "retained",
        "commands are not retained",
        lambda node: node.take(node.token(), retained=True),
    ),
    row(
        "No MQTT expiry", "so that a broker keeps it for days", "no_expiry", "1-600 s", lambda node: node.take(node.token(), expiry_s=None)
    ),
    row("Long MQTT expiry", "601 s", "no_expiry", "1-600 s", lambda node: node.take(node.token(), expiry_s=601)),
    row("Too many", "more than an operator's quota in an hour", "quota", "each operator, each verb, each hour", _greedy(0)),
    row(
        "Too many, clock lost",
        "stating times two hours apart",
        "quota",
        "counted as well by when they came",
        _greedy(2 * HOUR_S, "untrusted"),
    ),
    row(
        "10 MB",
        "of nothing",
        "too_large",
        "nothing is read of it; most brokers do not even pass it on",
        lambda node: node.take(bytes(10 << 20)),
    ),
]

COMMAND_SECTIONS = [
    CommandSection("Signature and header", SIGNATURE_ROWS),
    CommandSection("Claims", CLAIM_ROWS),
    CommandSection("Time, place and number", WAY_ROWS),
]
