"""Who signed a film: one camera with one key, or what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.seal.findings import Findings
from edge.seal.gops import Gop
from edge.seal.onvif import Document, SignedDocument
from edge.seal.signatures import Signatures
from edge.seal.trust import ChainResult, Roots

MOST_STRANGERS = 100_000


@dataclass(frozen=True, slots=True)
class _Stranger:
    """A good signature by a certificate that leads to no trusted authority. anchor: of the GOP it speaks of, empty of none."""

    anchor: bytes
    begun: int
    why: str
    subject: str


class Signers:
    """serial, manufacturer, firmware: as the first document with a good signature states them; chain: its certificate's. certificates:
    all that signed well, by fingerprint, at most 16."""

    def __init__(self, roots: Roots | None) -> None:
        self._signatures = Signatures(roots)
        self.document: Document | None = None
        self.chain: ChainResult | None = None
        self.refused: ChainResult | None = None
        self.certificates: dict[str, ChainResult] = {}
        self._strangers: list[_Stranger] = []

    @property
    def knows_certificate(self) -> bool:
        return self._signatures.knows_certificate

    def learn(self, signed: SignedDocument) -> None:
        self._signatures.learn(signed)

    def judge(self, signed: SignedDocument, begun: int, findings: Findings) -> ChainResult | None:
        """The certificate of a document that may be used; None (and a finding) of one that may not. begun: GOPs so far."""
        checked = self._signatures.check(signed)
        chain, document = checked.chain, signed.document
        if checked.fault or chain is None:
            self.refused = self.refused or chain
            if checked.fault == "certificate_untrusted" and chain is not None and len(self._strangers) < MOST_STRANGERS:
                self._strangers.append(_Stranger(document.anchor, begun, checked.why, chain.subject))
                return None
            findings.add("contradicts", checked.fault, gop=begun, why=checked.why, subject=chain.subject if chain else "")
            return None
        if self.document is None or self.chain is None:
            self.document, self.chain = document, chain
        if document.serial != self.document.serial:
            findings.add("contradicts", "other_camera", gop=begun, serial=self.document.serial, other=document.serial)
            return None
        if chain.fingerprint not in self.certificates:
            if self.certificates:
                self._other_certificate(begun, chain, findings)
            if len(self.certificates) < 16:
                self.certificates[chain.fingerprint] = chain
        if document.start_utc_ns is None:
            findings.add("note", "validity_unknown")
        return chain

    def settle(self, gops: Sequence[Gop], findings: Findings) -> None:
        """After the last document: what a stranger signed (a camera that signs by itself, before the recorder did) takes nothing from a GOP
        that a trusted signature proves; of any other it is the only word, and nobody's."""
        for each in self._strangers:
            near = gops[max(0, each.begun - 2) : each.begun]
            proven = not each.begun or not each.anchor or any(gop.exact and gop.anchor == each.anchor for gop in near)
            if proven and self.document is not None:
                findings.add("note", "other_signature", gop=each.begun, subject=each.subject)
            else:
                findings.add("contradicts", "certificate_untrusted", gop=each.begun, why=each.why, subject=each.subject)

    def _other_certificate(self, begun: int, chain: ChainResult, findings: Findings) -> None:
        """Trusted or not: without trust anybody could have signed the rest."""
        assert self.chain is not None
        if chain.trusted:
            findings.add("note", "other_certificate", gop=begun, fingerprint=chain.fingerprint)
        else:
            findings.add("contradicts", "other_key", gop=begun, fingerprint=chain.fingerprint)
