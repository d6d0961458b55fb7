"""The clip package: what goes beside the MP4 files - clip.json, its signature, the reports - made at once and in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from edge.clip.plan import asked_range
from edge.clip.proof import Proven, Wanted, prove
from edge.clip.report import report
from edge.clip.shape import Plan
from edge.clip.sheet import Sheet, contact_sheet
from edge.clip.signing import Hand, signing_hand
from edge.clip.source import Opener as SegmentOpener
from edge.clip.statement import encode_statement, sign, statement_of
from edge.clock import Clock
from edge.config.model import NodeConfig
from edge.host.disk import Disk
from edge.journal.reader import JournalReader
from edge.messages.clip import Attachment, ClipRequest, Manifest
from edge.messages.package import MEDIA_TYPES, REPORT_NAMES, SIGNATURE_NAME, STATEMENT_NAME
from edge.paper.page import Language
from edge.ring.layout import folders_of, recorder_journal
from edge.seal.opening import Opener
from edge.seal.signer import Identity, SigningTrouble

log = logging.getLogger(__name__)

AGENT_JOURNAL = "agent"
LANGUAGES: tuple[Language, ...] = ("pl", "en")


@dataclass(frozen=True, slots=True)
class Package:
    """files: name -> bytes. unsigned: why there is no signature among them, "" where there is one."""

    files: Mapping[str, bytes]
    unsigned: str


class PackageMaker:
    """What a package is made with. open_identity: None where nothing signs. checkpoint: makes one for the clip of that id (see
    proof.Checkpointer); None where nobody can. One thread."""

    def __init__(
        self,
        config: NodeConfig,
        disk: Disk,
        clock: Clock,
        open_identity: Opener | None = None,
        checkpoint: Callable[[Identity, str], str] | None = None,
    ) -> None:
        self._config, self._disk, self._clock = config, disk, clock
        self._open_identity, self._checkpoint = open_identity, checkpoint

    def make(self, manifest: Manifest, plan: Plan, segment: SegmentOpener, check: Callable[[], None] = lambda: None) -> Package:
        """All files but the clips. manifest: of the clips; plan: what they were made from. check: called now and then while it works; what
        it raises ends the work. A journal, a key or a decoder that is not there makes the package poorer and says so in it."""
        sheet = contact_sheet(plan, segment, check)
        with signing_hand(self._open_identity) as hand:
            proven = self._proven(manifest.request, plan, hand.identity)
            check()
            return self._signed(manifest, proven, sheet, hand)

    def _proven(self, request: ClipRequest, plan: Plan, identity: Identity | None) -> Proven:
        start_ns, end_ns = asked_range(request)
        segments = frozenset(seq for part in plan.parts for seq in part.segments())
        if not segments:
            return Proven([], [], "")
        folders = folders_of(self._config)
        recorder, agent = (JournalReader(self._disk, folders.journal(name)) for name in (recorder_journal(request.camera), AGENT_JOURNAL))
        checkpoint = partial(self._checkpoint, identity) if self._checkpoint is not None and identity is not None else None
        return prove(Wanted(request.id, segments, start_ns, end_ns), recorder, agent, checkpoint)

    def _signed(self, manifest: Manifest, proven: Proven, sheet: Sheet, hand: Hand) -> Package:
        now = self._clock.read()
        statement = statement_of(self._config, manifest, proven, now, hand)
        try:
            data = encode_statement(statement)
            files = {STATEMENT_NAME: data, SIGNATURE_NAME: sign(hand, data).encode("ascii")}
        except SigningTrouble as trouble:
            # Whoever cannot sign does not leave the name of a key in the statement.
            log.log(
                logging.WARNING if hand.identity is not None else logging.INFO, "clip %s goes unsigned: %s", manifest.request.id, trouble
            )
            hand = Hand(None, str(trouble))
            statement = statement_of(self._config, manifest, proven, now, hand)
            data = encode_statement(statement)
            files = {STATEMENT_NAME: data}
        names = [*(file.name for file in manifest.files), *files, *REPORT_NAMES.values()]
        for language in LANGUAGES:
            text = report(statement, sha256(data).hexdigest(), hand.trouble, proven.segments, sheet, language, names)
            files[REPORT_NAMES[language]] = text.encode()
        return Package(files, hand.trouble)


def attachments_of(files: Mapping[str, bytes]) -> list[Attachment]:
    """As a manifest lists them."""
    return [Attachment(name=name, bytes=len(data), sha256=sha256(data).hexdigest(), kind=MEDIA_TYPES[name]) for name, data in files.items()]
