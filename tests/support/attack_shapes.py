"""What a row of the attack table is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.messages.stream import Codec
from tests.support.attacks import Stream
from tests.support.scene import FORMS, Scene

AUTHENTIC, GAPS, PARTLY, NOT, UNSIGNED = "AUTHENTIC", "AUTHENTIC WITH GAPS", "PARTLY VERIFIED", "NOT AUTHENTIC", "UNSIGNED"
EXIT_CODES = {AUTHENTIC: 0, GAPS: 2, PARTLY: 3, NOT: 4, UNSIGNED: 5}

StreamChange = Callable[[Scene], Stream]
FileChange = Callable[[Scene, bytes], bytes]


@dataclass(frozen=True, kw_only=True)
class Row:
    """changed, why: for people. verdict: of a clip, which ends with the access unit that closes its last GOP. stream, file: what is done to
    the stream, then to the file made of it; the one that is None does nothing."""

    name: str
    changed: str
    verdict: str
    why: str
    stream: StreamChange | None = None
    file: FileChange | None = None
    codecs: tuple[Codec, ...] = ("h264", "h265")
    forms: tuple[str, ...] = ("clip", "segment")
    closed: bool = True
    """False: the clip ends with a whole GOP and not with the access unit that carries its SEI."""

    def expected(self, form: str) -> str:
        """A segment alone: the SEI of its last GOP is in the next segment, so it is PARTLY VERIFIED at best."""
        return PARTLY if form == "segment" and self.verdict in (AUTHENTIC, GAPS) else self.verdict

    def made(self, scene: Scene, form: str) -> bytes:
        packets = self.stream(scene) if self.stream is not None else scene.packets
        data = FORMS["open clip" if form == "clip" and not self.closed else form](packets, scene.codec)
        return self.file(scene, data) if self.file is not None else data
