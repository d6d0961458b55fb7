"""The oracle: what can be said of each GOP of a stream, by a second reading that shares no code with the product.

It gives facts, no verdict: which slices a valid signature stands for and which not, what is listed and absent, what contradicts what.
Quadratic where that is plainer.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.oracle import signing_sei
from tests.support.oracle.containers import Stream
from tests.support.oracle.nal_units import is_picture_data, is_signed_kind, opens_gop

_YEAR_1601 = datetime.datetime(1601, 1, 1, tzinfo=datetime.timezone.utc)


@dataclass
class Sei:
    """One signing SEI. gop: the number of the GOP in whose access units it stands."""

    gop: int
    said: dict[str, Any]
    signature_ok: bool
    chain_ok: bool

    @property
    def good(self) -> bool:
        return self.signature_ok and self.chain_ok

    @property
    def anchor(self) -> bytes:
        listed: list[bytes] = self.said.get("hashes") or [b""]
        return listed[0]


@dataclass
class Gop:
    """slices: whether the SEI that names this GOP lists each of its slices at just this place; all False without one. absent: hashes
    that are listed and have no slice. link_ok: the SEI links to the GOP in front of it in the file; None of the file's first.
    uncovered: picture data of kinds that no signature speaks of."""

    anchor: bytes
    slices: list[bool] = field(default_factory=list)
    absent: int = 0
    counter: int | None = None
    signature_ok: bool = False
    chain_ok: bool = False
    link_ok: bool | None = None
    start: int | None = None
    end: int | None = None
    serial: str = ""
    pictures: int = 0
    seconds: float = 0.0
    uncovered: int = 0

    @property
    def proven(self) -> bool:
        """Every slice that is there is vouched for."""
        return self.signature_ok and self.chain_ok and all(self.slices) and self.uncovered == 0

    @property
    def whole(self) -> bool:
        return self.proven and self.absent == 0


@dataclass
class Facts:
    """gops: in file order. seis: in file order. unreadable: SEIs with the UUID that do not read. strays: slices in front of the first GOP.
    orphans: counters of well-signed SEIs whose GOP is not in the file."""

    gops: list[Gop]
    seis: list[Sei]
    unreadable: int
    strays: int
    orphans: list[int]

    @property
    def signed(self) -> bool:
        return bool(self.seis) or self.unreadable > 0

    @property
    def all_proven(self) -> bool:
        """No slice in the file is without a valid signature, but for the closing access unit's: the last GOP, one picture long, in which
        an SEI stands."""
        if self.strays or not self.gops:
            return False
        last = len(self.gops) - 1
        closing = self.gops[last].pictures == 1 and any(sei.gop == last for sei in self.seis) and not self.gops[last].uncovered
        checked = self.gops[:-1] if closing and not self.gops[last].proven else self.gops
        return bool(checked) and all(gop.proven for gop in checked)

    @property
    def gapless(self) -> bool:
        """Nothing that is listed is absent, counters follow one another, links hold."""
        told = [gop for gop in self.gops if gop.counter is not None]
        counters = [gop.counter or 0 for gop in told]
        if not counters:
            return False
        return (
            all(gop.absent == 0 for gop in told)
            and counters == list(range(counters[0], counters[0] + len(counters)))
            and all(gop.link_ok is not False for gop in told)
        )


def facts_of(stream: Stream, roots: bytes) -> Facts:
    """roots: PEM certificates that are trusted."""
    facts = Facts([], [], 0, 0, [])
    digests: list[list[bytes]] = []
    trusted = x509.load_pem_x509_certificates(roots)
    for number, unit in enumerate(stream.units):
        fresh = next((nal for nal in unit if opens_gop(stream.codec, nal)), None)
        if fresh is not None:
            facts.gops.append(Gop(anchor=sha256(fresh).digest()))
            digests.append([])
        for nal in unit:
            _take(facts, digests, stream.codec, nal, trusted)
        if facts.gops:
            facts.gops[-1].pictures += any(is_signed_kind(stream.codec, nal) for nal in unit)
            facts.gops[-1].seconds += stream.durations[number] if stream.durations else 0.0
    for number, gop in enumerate(facts.gops):
        _compare(gop, digests[number], facts.gops[number - 1].anchor if number else None, facts.seis)
    anchors = [gop.anchor for gop in facts.gops]
    facts.orphans += [sei.said["counter"] for sei in facts.seis if sei.good and "counter" in sei.said and sei.anchor not in anchors]
    return facts


def _take(facts: Facts, digests: list[list[bytes]], codec: str, nal: bytes, trusted: list[x509.Certificate]) -> None:
    if signing_sei.has_uuid(codec, nal):
        try:
            facts.seis.append(_sei(len(facts.gops) - 1, signing_sei.read(codec, nal), trusted))
        except signing_sei.Unreadable:
            facts.unreadable += 1
    elif not is_picture_data(codec, nal):
        return
    elif not facts.gops:
        facts.strays += 1
    elif not is_signed_kind(codec, nal):
        facts.gops[-1].uncovered += 1
    else:
        plain = sha256(nal).digest()
        digests[-1].append(sha256(digests[-1][0] + plain).digest() if digests[-1] else plain)


def _compare(gop: Gop, digests: list[bytes], before: bytes | None, seis: list[Sei]) -> None:
    gop.slices = [False] * len(digests)
    mine = [sei for sei in seis if "counter" in sei.said and sei.anchor == gop.anchor]
    if not mine:
        return
    sei = next((each for each in mine if each.good), mine[0])
    listed = sei.said["hashes"]
    at = 0
    for place, digest in enumerate(digests):
        if digest in listed[at:]:
            at += listed[at:].index(digest) + 1
            gop.slices[place] = True
    gop.absent = len(listed) - sum(gop.slices)
    gop.counter, gop.signature_ok, gop.chain_ok = sei.said["counter"], sei.signature_ok, sei.chain_ok
    gop.link_ok = None if before is None else sei.said["link"] == before
    gop.start, gop.end, gop.serial = sei.said["start"], sei.said["end"], sei.said.get("serial", "")


def _sei(gop: int, said: dict[str, Any], roots: list[x509.Certificate]) -> Sei:
    try:
        chain = x509.load_pem_x509_certificates(said.get("certificates", b""))
        key = chain[0].public_key()
    except (ValueError, IndexError, TypeError):
        return Sei(gop, said, False, False)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return Sei(gop, said, False, False)
    try:
        key.verify(said["signature"], said["signed"], ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return Sei(gop, said, False, False)
    return Sei(gop, said, True, chain_ok(chain, roots, said.get("start", 0)))


def chain_ok(chain: list[x509.Certificate], roots: list[x509.Certificate], start: int) -> bool:
    """Leaf to root by names and signatures, the leaf valid when the GOP began (where its time is believable: after 1970)."""
    when = _YEAR_1601 + datetime.timedelta(microseconds=start // 10) if start < 2**62 else _YEAR_1601
    leaf = chain[0]
    if when.year >= 1970 and not leaf.not_valid_before_utc <= when <= leaf.not_valid_after_utc:
        return False
    current = leaf
    for _ in range(len(chain) + 1):
        for root in roots:
            if _issued(root, current):
                return True
        above = next((each for each in chain[1:] if _issued(each, current) and _may_issue(each)), None)
        if above is None:
            return False
        current = above
    return False


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
