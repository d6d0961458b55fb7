"""What camera stacks do when they break, on demand: the file EDGE_RIG_FAULT names says which, in the worker that reads it first.

dead-loop     picamera2's thread ends, `started` stays true
cancelled     "Camera frontend has timed out": every request comes back cancelled and is dropped
blocked       the encoder never returns, and holds picamera2's lock
stale         one picture is shown again and again
slow-sink     the encoder's output takes half a minute for a picture
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

KINDS = ("dead-loop", "cancelled", "blocked", "stale", "slow-sink")
LOOK_S = 0.05
LONG_S = 30.0


class _State:
    """now: the fault in force. kept: requests that were swallowed; the virtual pipeline still writes into them."""

    def __init__(self) -> None:
        self.now = ""
        self.kept: list[Any] = []
        self.stamp: int | None = None


def arm(module: Any) -> None:
    where = os.environ.get("EDGE_RIG_FAULT")
    if not where:
        return
    state = _State()
    _arm_requests(module, state)
    _arm_encoding(state)
    threading.Thread(target=_look, args=[Path(where), state], name="rig-faults", daemon=True).start()


def _look(where: Path, state: _State) -> None:
    """Takes a fault by removing its file, so that the next worker is whole."""
    while not state.now:
        time.sleep(LOOK_S)
        try:
            word = where.read_text()
            where.unlink()
        except OSError:
            continue
        state.now = word.strip()


def _arm_requests(module: Any, state: _State) -> None:
    manager, camera, request = module.CameraManager, module.Picamera2, module.CompletedRequest
    handle, process, metadata = manager.handle_request, camera.process_requests, request.get_metadata

    def handle_request(self: Any, flushid: Any = None) -> Any:
        if state.now == "cancelled":
            with self._lock:
                state.kept.extend(self.cms.get_ready_requests())
            return None
        return handle(self, flushid)

    def process_requests(self: Any, display: Any) -> Any:
        if state.now == "dead-loop":
            raise RuntimeError("injected: the loop's thread ends here")
        return process(self, display)

    manager.handle_request, camera.process_requests, request.get_metadata = handle_request, process_requests, metadata


def _arm_encoding(state: _State) -> None:
    from picamera2.encoders import Encoder

    encode, stamp, output = Encoder.encode, Encoder._timestamp, Encoder.outputframe

    def encode_blocked(self: Any, stream: Any, request: Any) -> Any:
        if state.now == "blocked":
            with self._lock, request.picam2.lock:
                threading.Event().wait()
        return encode(self, stream, request)

    def stale_stamp(self: Any, request: Any) -> int:
        fresh: int = stamp(self, request)
        if state.now == "stale":
            state.stamp = fresh if state.stamp is None else state.stamp
            return state.stamp
        return fresh

    def slow_output(self: Any, *words: Any, **more: Any) -> Any:
        if state.now == "slow-sink":
            time.sleep(LONG_S)
        return output(self, *words, **more)

    Encoder.encode, Encoder._timestamp, Encoder.outputframe = encode_blocked, stale_stamp, slow_output
