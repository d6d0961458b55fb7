"""Pictures for the contact sheet: key frames of a clip, spread over its time, made small by a process of their own.

What leaves the node unchanged is the clip; these pictures are derived from it. A decoder that crashes, hangs or is not installed costs
only them.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edge.bmff.nal import START_CODE, stored
from edge.bmff.params import read_sample_entry
from edge.capture.stills import NO_DECODER, WIDTH, Coded, read_answers, write_questions
from edge.capture.supervise import worker_environment
from edge.clip.cuts import Cut, Footage, cuts_of
from edge.clip.shape import Plan
from edge.clip.source import Opener, Segment, Segments
from edge.clock import monotonic_s
from edge.errors import EdgeError, IntegrityError, StorageError

log = logging.getLogger(__name__)

PICTURES = 12
DEADLINE_S = 30.0
"""For all of them; a Pi 3 needs about a fifth of it for 4K."""
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Still:
    """utc_ns: when the picture was taken. jpeg: never empty."""

    utc_ns: int
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Sheet:
    """trouble: "" or why there are no pictures: no_decoder, failed."""

    stills: list[Still]
    trouble: str = ""


def contact_sheet(plan: Plan, opener: Opener, check: Callable[[], None] = lambda: None, count: int = PICTURES) -> Sheet:
    """At most `count` pictures. check: called while the process works; may raise to end it. Never raises for what footage, decoder or disk
    do."""
    try:
        coded = list(key_pictures(plan, opener, count))
    except (StorageError, IntegrityError) as trouble:
        log.warning("no contact sheet of %s: %s", plan.camera, trouble)
        return Sheet([], "failed")
    try:
        answers = decoded([each for _, each in coded], check)
    except NoDecoder:
        return Sheet([], "no_decoder")
    stills = [Still(utc_ns, jpeg) for (utc_ns, _), jpeg in zip(coded, answers, strict=False) if jpeg]
    return Sheet(stills, "" if stills else "failed")


def key_pictures(plan: Plan, opener: Opener, count: int = PICTURES) -> Iterator[tuple[int, Coded]]:
    """(UTC, coded picture) in time order. Raises StorageError, IntegrityError."""
    segments = Segments(opener)
    cuts = [cut for cut in _cuts(plan, segments) if cut.entry.key]
    for cut in _spread(cuts, count):
        coded = first_picture(cut, segments.find(cut.footage.seq))
        if coded is not None:
            yield cut.start_utc_ns, coded


def first_picture(cut: Cut, segment: Segment) -> Coded | None:
    """Of a fragment that begins with a key frame. None for bytes that are no picture. Raises StorageError, DamagedFragment."""
    index = cut.footage.index
    nals = stored(segment.payload(cut.entry)[: index.fragment_sizes(cut.place)[0]])
    sets = read_sample_entry(index.sample_entry)
    if nals is None or sets is None:
        return None
    unit = sets.annexb() + b"".join(START_CODE + bytes(nal) for nal in nals)
    return Coded("h264" if index.codec == "h264" else "h265", unit)


def _cuts(plan: Plan, segments: Segments) -> Iterator[Cut]:
    """Of all that the plan's files hold and somebody asked for, in the order of the files."""
    known = {each.seq: each for each in plan.segments}
    for part in plan.parts:
        for wanted in part.fragments:
            segment, of_plan = segments.find(wanted.seq), known[wanted.seq]
            footage = Footage(wanted.seq, of_plan.path, of_plan.start_utc_ns, of_plan.dated, segment.index)
            yield from (cut for cut in cuts_of(footage) if wanted.first <= cut.entry.number <= wanted.last)


def _spread(cuts: list[Cut], count: int) -> list[Cut]:
    """The first, the last, and evenly between."""
    if len(cuts) <= count:
        return cuts
    return [cuts[round(place * (len(cuts) - 1) / (count - 1))] for place in range(count)]


class NoDecoder(EdgeError):
    """The process has no PyAV."""


def decoded(coded: list[Coded], check: Callable[[], None] = lambda: None, width: int = WIDTH) -> list[bytes]:
    """One JPEG each, at most `width` pixels wide, b"" for one that could not be made. check: as above. Raises NoDecoder."""
    command = [sys.executable, "-m", "edge.capture.stills", str(width)]
    # In memory and whole, since a pipe would have to be filled while it is emptied at the other end.
    with os.fdopen(os.memfd_create("stills"), "w+b") as questions:
        questions.write(write_questions(coded))
        questions.seek(0)
        try:
            process = subprocess.Popen(
                command, stdin=questions, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=worker_environment()
            )
        except OSError as error:
            log.warning("no contact sheet: %s", error)
            return []
    with process:
        try:
            output = _output(process, check)
        finally:
            process.kill()
    if process.returncode == NO_DECODER:
        raise NoDecoder("no decoder")
    return read_answers(output, len(coded))


def _output(process: subprocess.Popen[bytes], check: Callable[[], None]) -> bytes:
    """What it wrote until its end or the deadline."""
    ends_s = monotonic_s() + DEADLINE_S
    while True:
        try:
            return process.communicate(timeout=_POLL_S)[0]
        except subprocess.TimeoutExpired as late:
            check()
            if monotonic_s() > ends_s:
                log.warning("the contact sheet is not ready after %.0f s", DEADLINE_S)
                return late.output or b""
