"""The writer thread of a recorder: takes GOPs and words from the intake, gives them to the Recording, waits where the disk refuses."""

from __future__ import annotations

import logging
import threading

from edge.clock import monotonic_s
from edge.messages.evidence import Throttled
from edge.messages.stream import StreamInfo
from edge.ring.gop import Gop
from edge.ring.recording import Recording
from edge.services.intake import Intake, Interrupted
from edge.services.sealing import Sealer

log = logging.getLogger(__name__)

IDLE_S = 5.0
_LEAST_WAIT_S = 0.05


class Writing:
    """`run` belongs to the writer thread, which is the only one that touches the Recording; the other members may be read by any."""

    def __init__(self, recording: Recording, intake: Intake, sealer: Sealer) -> None:
        self.recording = recording
        self._sealer = sealer
        self.turned_s = monotonic_s()
        """When the loop last turned: a writer caught in a system call does not turn."""
        self._intake = intake
        self._stop = threading.Event()

    def stop(self) -> None:
        """Write what waits, seal, end. A disk that refuses is not waited for any more."""
        self._stop.set()
        self._intake.close()

    def run(self) -> None:
        while not self._intake.finished:
            item = self._intake.get(IDLE_S)
            self.turned_s = monotonic_s()
            if item is None:
                self.recording.tick()
            elif isinstance(item, Gop):
                self._write(self._sealer.seal(item))
            elif isinstance(item, StreamInfo):
                self._sealer.start(item)
                self.recording.start(item)
            elif isinstance(item, Interrupted):
                self.recording.gap(item.reason, item.text)
            elif isinstance(item, Throttled):
                self.recording.note(item)
        self._sealer.close()
        self.recording.close()

    def _write(self, gop: Gop) -> None:
        while (wait_s := self.recording.write(gop)) is not None:
            if self._stop.wait(max(wait_s, _LEAST_WAIT_S)) and self.recording.write(gop) is not None:
                log.error("%d frames are not written: the disk refuses and the recorder stops", len(gop.packets))
                return
            self.turned_s = monotonic_s()
