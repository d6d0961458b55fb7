from __future__ import annotations

import threading

from edge.clock import monotonic_s
from edge.host.model_disk import Fault, ModelDisk
from edge.messages.records import Gap, Segment
from edge.services.intake import Intake, Interrupted
from edge.services.writing import Writing
from tests.support.pole import FPS, Pole


def begun() -> tuple[Pole, Intake, Writing]:
    pole, intake = Pole(), Intake(limit_gops=60, limit_bytes=1 << 20)
    recording = pole.start()
    return pole, intake, Writing(recording, intake, pole.sealer)


def seconds(pole: Pole, intake: Intake, count: int) -> None:
    for _ in range(count):
        assert intake.put(pole.camera.gop())
        pole.clock.advance(1.0)


def test_what_waits_is_written_and_sealed_before_the_thread_ends() -> None:
    pole, intake, writing = begun()
    intake.say(pole.camera.info())
    seconds(pole, intake, 7)
    writing.stop()
    writing.run()
    assert sum(record.frames for record in pole.facts(Segment)) == 7 * FPS
    assert pole.folder.opened() == []


def test_words_and_gops_keep_their_order() -> None:
    pole, intake, writing = begun()
    intake.say(pole.camera.info())
    seconds(pole, intake, 2)
    intake.say(Interrupted("camera_stalled", "no picture for 2.0 s"))
    pole.clock.advance(3.0)
    intake.say(pole.camera.info())
    seconds(pole, intake, 2)
    writing.stop()
    writing.run()
    assert [(gap.reason, gap.open) for gap in pole.facts(Gap)] == [("camera_stalled", True), ("camera_stalled", False)]
    assert [record.frames for record in pole.facts(Segment)] == [2 * FPS, 2 * FPS]


def test_a_writer_that_stops_does_not_wait_for_a_disk_that_refuses() -> None:
    pole, intake, writing = begun()
    assert isinstance(pole.disk, ModelDisk)
    intake.say(pole.camera.info())
    seconds(pole, intake, 3)
    pole.disk.fault = Fault(pole.disk.operations + 1, "EIO", forever=True)
    writing.stop()
    began_s = monotonic_s()
    writing.run()
    assert monotonic_s() - began_s < 5.0
    pole.disk.fault = None
    assert pole.folder.opened() == []
    assert pole.names() == []


def test_a_disk_that_comes_back_gets_every_gop_that_waited() -> None:
    pole, intake, writing = begun()
    disk = pole.disk
    assert isinstance(disk, ModelDisk)
    intake.say(pole.camera.info())
    seconds(pole, intake, 5)
    disk.fault = Fault(disk.operations + 4, "EIO", forever=True)
    thread = threading.Thread(target=writing.run)
    thread.start()
    deadline_s = monotonic_s() + 20.0
    while disk.struck < 3 and monotonic_s() < deadline_s:
        pole.clock.advance(0.2)
        threading.Event().wait(0.01)
    assert disk.struck >= 3
    disk.fault = None
    while intake.waiting and monotonic_s() < deadline_s:
        pole.clock.advance(0.2)
        threading.Event().wait(0.01)
    writing.stop()
    thread.join(20.0)
    assert not thread.is_alive()
    assert sum(record.frames for record in pole.facts(Segment)) == 5 * FPS
