"""One pass over a film: NAL unit by NAL unit into GOPs, parameter sets and signed documents."""

from __future__ import annotations

from hashlib import sha256

from edge.bmff.nal import H264_SEI, H265_PREFIX_SEI, is_parameter_set, is_slice, nal_type
from edge.messages.stream import Codec
from edge.seal.container import Film, Unit, hides_start_code
from edge.seal.findings import Findings
from edge.seal.gops import Gop, Matching, paper_of
from edge.seal.onvif import MalformedSei, SignedDocument, begins_gop, is_hashed, is_signing_sei, read_sei
from edge.seal.parameter_watch import ParameterWatch
from edge.seal.presentation import redraws
from edge.seal.signers import Signers

_MOST_WAITING = 1000
_H265_SUFFIX_SEI = 40
_H264_OTHER_SLICES = (19, 20, 21)
"""Coded slices of auxiliary pictures and of extensions, which no document lists (H.264, table 7-1)."""


class Collector:
    """Facts of one film. pictures: access units with coded slices; orphans: those of them in front of the first key frame; hidden: those
    that the container tells players not to show; last_end_ns: end of the last picture on the container's timeline."""

    def __init__(self, name: str, film: Film, signers: Signers) -> None:
        self.codec: Codec = film.codec
        self.matching = Matching(name)
        self.parameters = ParameterWatch(film.codec, film.entry)
        self.findings = Findings()
        self.signers = signers
        self.pictures = self.orphans = self.hidden = self.seis = 0
        self.last_end_ns: int | None = None
        self._shown = film.shown
        self._gop: Gop | None = None
        self._last_is_hidden = False
        self._waiting: list[tuple[SignedDocument, int]] = []
        """Signed without a certificate, before any was seen."""

    def run(self, film: Film) -> None:
        """Raises IntegrityError, StorageError."""
        for unit in film.units:
            self._unit(unit)
        self.findings.merge(film.findings)
        for signed, begun in self._waiting:
            self._judge(signed, begun)
        self.matching.finish()
        self.signers.settle(self.matching.gops, self.findings)

    def is_closing(self, gop: Gop) -> bool:
        """Whether it is the one picture behind the last signed GOP that is not shown: it is there to carry that GOP's document."""
        gops = self.matching.gops
        alone = gop is gops[-1] and gop.pictures == 1 and gop.uncovered == 0 and len(gops) > 1
        return alone and self._last_is_hidden and gop.document is None and gops[-2].document is not None

    def _unit(self, unit: Unit) -> None:
        codec = self.codec
        if unit.broken:
            self.findings.add("contradicts", "picture_unreadable", picture=self.pictures)
        sets = [nal for nal in unit.nals if is_parameter_set(codec, nal)]
        if sets:
            self.parameters.unit(sets)
        listed = unlisted = False
        for nal in unit.nals:
            if is_hashed(codec, nal):
                self._slice(nal, unit, first=not listed)
                listed = True
            elif is_slice(codec, nal) or (codec == "h264" and nal_type(codec, nal) in _H264_OTHER_SLICES):
                unlisted = True
            else:
                self._other(nal)
        if listed or unlisted:
            self._count(unit, unlisted)

    def _slice(self, nal: memoryview, unit: Unit, *, first: bool) -> None:
        digest = sha256(nal).digest()
        if begins_gop(self.codec, nal):
            self._gop = self.matching.begin(digest, unit.pts_ns, self.parameters.in_force)
            self._gop.first_slices.append(0)
            return
        if self._gop is None:
            return
        if first:
            self._gop.first_slices.append(self._gop.count)
        self.matching.add_slice(self._gop, digest)

    def _count(self, unit: Unit, unlisted: bool) -> None:
        self.pictures += 1
        if self._gop is None:
            self.orphans += 1
        else:
            self._gop.pictures += 1
            self._gop.uncovered += unlisted
            self._gop.shown_at(unit.pts_ns)
        if unit.pts_ns is None:
            return
        end_ns = unit.pts_ns + unit.duration_ns
        self.last_end_ns = end_ns if self.last_end_ns is None else max(self.last_end_ns, end_ns)
        self._last_is_hidden = self._shown is not None and self._shown[1] is not None and unit.pts_ns >= self._shown[1]
        self.hidden += self._last_is_hidden or (self._shown is not None and unit.pts_ns < self._shown[0])

    def _other(self, nal: memoryview) -> None:
        """What is no coded slice: signing SEIs are read, and nothing may hide a picture."""
        try:
            signed = self._signed(nal)
        except MalformedSei as error:
            self.seis += 1
            self.findings.add("contradicts", "sei_unreadable", gop=len(self.matching.gops), why=str(error))
            return
        if signed is not None:
            self.seis += 1
            self._document(signed)
        elif hides_start_code(nal):
            self.findings.add("unverifiable", "hidden_start_code", gop=len(self.matching.gops))
        elif redraws(self.codec, nal):
            self.findings.add("unverifiable", "redrawn", gop=len(self.matching.gops))

    def _signed(self, nal: memoryview) -> SignedDocument | None:
        kind = nal_type(self.codec, nal)
        kinds = (H264_SEI,) if self.codec == "h264" else (H265_PREFIX_SEI, _H265_SUFFIX_SEI)
        return read_sei(self.codec, nal) if kind in kinds and is_signing_sei(self.codec, nal) else None

    def _document(self, signed: SignedDocument) -> None:
        self.signers.learn(signed)
        begun = len(self.matching.gops)
        if not signed.document.certificates and not self.signers.knows_certificate and len(self._waiting) < _MOST_WAITING:
            self._waiting.append((signed, begun))
            return
        self._judge(signed, begun)

    def _judge(self, signed: SignedDocument, begun: int) -> None:
        chain = self.signers.judge(signed, begun, self.findings)
        if chain is not None and signed.general:
            self.matching.add_paper(paper_of(signed, begun, chain))
