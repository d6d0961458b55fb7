"""What can go wrong with a capture worker and its camera: halted, killed, blocked, orphaned, deaf, garbled, changed."""

from __future__ import annotations

import fcntl
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from edge.capture.supervise import WorkerProcess, state_of
from edge.capture.wire import Decoder, WireError
from edge.clock import monotonic_s
from edge.messages.stream import CameraSettings, Fault, Heartbeat, Packet, StreamInfo
from edge.window.luma import LumaReader
from tests.support import rtsp_camera, video
from tests.support.capture_worker import DEADLINE_S, Capture

STREET = CameraSettings(id="gate", source="synthetic:", width=320, height=180)
PASSWORD = "h?rd/to:gu@ss%"


@pytest.fixture
def camera() -> Iterator[rtsp_camera.RtspCamera]:
    if rtsp_camera.missing():
        pytest.skip(rtsp_camera.missing())
    with rtsp_camera.RtspCamera(video.encode("h264", 50, gop=10)) as running:
        yield running


def network(url: str, **options: object) -> CameraSettings:
    return CameraSettings(id="gate", source=url, options=dict(options))


def wait_for_end(pid: int) -> None:
    """Of a process that may be somebody else's child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        assert poller.poll(DEADLINE_S * 1000), f"process {pid} is still there"
    finally:
        os.close(descriptor)


def unread_bytes(connection: socket.socket) -> int:
    return int.from_bytes(fcntl.ioctl(connection, termios.FIONREAD, bytes(4)), sys.byteorder)


def script(body: str) -> tuple[str, ...]:
    """A worker that is not one: python -c body --fd N; `connection` is its socket."""
    return (sys.executable, "-c", f"import socket, sys, time, signal\nconnection = socket.socket(fileno=int(sys.argv[2]))\n{body}")


def test_a_worker_tells_its_stream_its_packets_and_that_it_lives(tmp_path: Path) -> None:
    window = tmp_path / "luma"
    settings = CameraSettings(id="gate", source="synthetic:", width=320, height=180, luma_path=str(window))
    with Capture(settings) as capture:
        capture.until(lambda: len(capture.of(Heartbeat)) >= 2, "two heartbeats")
        assert isinstance(capture.messages[0], StreamInfo)
        packets = capture.of(Packet)
        assert [packet.seq for packet in packets] == list(range(len(packets)))
        beat = capture.of(Heartbeat)[-1]
        assert beat.packets > 25
        assert beat.pictures > 5
        luma = LumaReader(window).newest()
        assert luma is not None
        assert (luma.width, luma.height) == (320, 180)
        assert capture.worker.kill().status == 0


def test_packets_come_in_portions_and_key_frames_do_not_wait() -> None:
    with Capture(STREET) as capture:
        capture.until_packets(1)
        portions = 0
        while len(capture.of(Packet)) < 76:
            before = len(capture.messages)
            capture.hear(1.0)
            fresh = [message for message in capture.messages[before:] if isinstance(message, Packet)]
            portions += bool(fresh)
            assert not any(packet.key for packet in fresh[:-1])
        assert portions <= 25


def test_a_halted_worker_is_killed_and_leaves_no_zombie() -> None:
    with Capture(STREET) as capture:
        capture.until_packets(5)
        os.kill(capture.worker.pid, signal.SIGSTOP)
        begin_s = monotonic_s()
        ending = capture.worker.kill(terminate_s=0.3)
        assert (ending.how, ending.status) == ("killed", -signal.SIGKILL)
        assert monotonic_s() - begin_s < 2.0
        assert state_of(capture.worker.pid) == ""


def test_a_killed_worker_is_the_end_of_its_connection() -> None:
    with Capture(STREET) as capture:
        capture.until_packets(5)
        os.kill(capture.worker.pid, signal.SIGKILL)
        assert capture.until_end() is None
        assert capture.worker.kill().how in ("exited", "terminated")


def test_a_worker_asked_to_end_ends_in_order_and_says_nothing_more() -> None:
    with Capture(STREET) as capture:
        capture.until_packets(5)
        ending = capture.worker.kill(terminate_s=DEADLINE_S)
        assert (ending.how, ending.status) == ("terminated", 0)


def test_a_source_blocked_for_ever_is_killed_from_outside() -> None:
    """SIGTERM ignored and a call that does not return: what a camera driver does at its worst."""
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nconnection.send(b'x')\nwhile True: time.sleep(60)"
    worker = WorkerProcess.start(STREET, script(body))
    assert worker.receive(DEADLINE_S) == b"x"
    assert worker.kill(terminate_s=0.2).how == "killed"


def test_a_worker_dies_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom edge.capture.supervise import WorkerProcess\nfrom edge.messages.stream import CameraSettings\n"
        "worker = WorkerProcess.start(CameraSettings(id='gate', source='synthetic:', width=320, height=180))\n"
        "assert worker.receive(30.0)\nprint(worker.pid, flush=True)\nsys.stdin.read()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert state_of(pid) in ("R", "S", "D")
        parent.kill()
        wait_for_end(pid)


def test_a_worker_whose_recorder_hangs_up_ends_by_itself() -> None:
    worker = WorkerProcess.start(STREET)
    assert worker.receive(DEADLINE_S)
    worker.socket.shutdown(socket.SHUT_RDWR)
    wait_for_end(worker.pid)
    assert worker.kill().status == 0


def test_a_recorder_that_does_not_read_for_a_while_loses_nothing_small() -> None:
    with Capture(STREET) as capture:
        capture.until_packets(5)
        until_s = monotonic_s() + DEADLINE_S
        while unread_bytes(capture.worker.socket) < 150_000 and monotonic_s() < until_s:
            select.select([], [], [], 0.1)
        assert unread_bytes(capture.worker.socket) >= 150_000
        packets = capture.until_packets(60)
        assert [packet.seq for packet in packets] == list(range(len(packets)))


def test_garbage_on_the_wire_is_an_error_at_once() -> None:
    worker = WorkerProcess.start(STREET, script("connection.sendall(b'Segmentation fault (core dumped)' * 9)\ntime.sleep(60)"))
    try:
        data = worker.receive(DEADLINE_S)
        assert data
        with pytest.raises(WireError):
            list(Decoder().feed(data))
    finally:
        worker.kill(terminate_s=0.2)


def test_a_worker_without_settings_gives_up() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        argv = [sys.executable, "-m", "edge.capture.worker", "--fd", str(theirs.fileno())]
        process = subprocess.Popen(argv, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, cwd=Path(__file__).parents[2])
        ours.close()
        theirs.close()
        _, text = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 75
    assert b"no settings came" in text


@pytest.mark.parametrize(
    ("settings", "kind", "status", "words"),
    [
        (CameraSettings(id="c", source="carrier-pigeon:7"), "camera_died", 78, "no known kind"),
        (CameraSettings(id="c", source="synthetic:", options={"sped": 2}), "camera_died", 78, "sped"),
        (CameraSettings(id="c", source="synthetic:", masks=[[(0, 0), (1, 1), (1, 0), (0, 1)]]), "camera_died", 78, "mask 0 crosses"),
        (CameraSettings(id="c", source="rtsp://127.0.0.1:9/x", masks=[[(0, 0), (1, 1), (1, 0)]]), "camera_died", 78, "cannot be burnt in"),
        (CameraSettings(id="c", source="file:/nowhere/film.mp4"), "camera_died", 75, "film.mp4"),
        (CameraSettings(id="c", source="v4l2:/dev/video99"), "camera_died", 75, "/dev/video99"),
        (CameraSettings(id="c", source="rtsp://127.0.0.1:9/street"), "camera_unreachable", 75, "127.0.0.1:9"),
        (
            CameraSettings(id="c", source="synthetic:", width=64, height=48, options={"frames": 3, "speed": 0}),
            "end_of_file",
            0,
            "3 pictures",
        ),
    ],
)
def test_the_last_words_say_why(settings: CameraSettings, kind: str, status: int, words: str) -> None:
    with Capture(settings) as capture:
        fault = capture.until_end()
        assert fault is not None
        assert fault.kind == kind
        assert words in fault.text
        assert capture.worker.kill().status == status


def test_a_camera_that_falls_silent_leaves_the_worker_alive_but_without_packets(camera: rtsp_camera.RtspCamera) -> None:
    with Capture(network(camera.url)) as capture:
        capture.until_packets(15)
        camera.stall()
        while capture.hear(0.6) and capture.of(Heartbeat)[-1:] != []:
            if isinstance(capture.messages[-1], Heartbeat) and isinstance(capture.messages[-2], Heartbeat):
                break
        count = len(capture.of(Packet))
        beats = len(capture.of(Heartbeat))
        capture.until(lambda: len(capture.of(Heartbeat)) >= beats + 2, "heartbeats in silence")
        assert len(capture.of(Packet)) == count
        camera.resume()
        packets = capture.until_packets(count + 20)
        assert [packet.seq for packet in packets] == list(range(len(packets)))
        pause = max(later.dts_ns - packet.dts_ns for packet, later in itertools.pairwise(packets))
        assert pause > 1_000_000_000


def test_a_camera_that_dies_is_told_and_comes_back_in_a_new_worker(camera: rtsp_camera.RtspCamera) -> None:
    with Capture(network(camera.url)) as capture:
        capture.until_packets(15)
        camera.kill()
        fault = capture.until_end()
        assert fault is not None
        assert fault.kind == "camera_unreachable"
    camera.start()
    with Capture(network(camera.url)) as capture:
        assert capture.until_packets(15)[0].key


@pytest.mark.parametrize("client", ["own", "libav"])
def test_parameters_that_change_in_mid_stream_arrive_with_their_key_frame(camera: rtsp_camera.RtspCamera, client: str) -> None:
    other = video.encode("h264", 50, gop=10, width=480, height=270)
    with Capture(network(camera.url, client=client)) as capture:
        capture.until_packets(15)
        camera.switch(other)
        begin = len(capture.of(Packet))
        packets = capture.until_packets(begin + 40)
        assert not capture.of(Fault)
    changed = [packet for packet in packets if packet.key and other[0].data.split(b"\0\0\1")[1] in packet.data]
    assert changed
    after = packets[changed[0].seq :]
    assert all(later.dts_ns > packet.dts_ns for packet, later in itertools.pairwise(packets))
    known = {packet.data.split(b"\0\0\1")[-1] for packet in other}
    assert all(packet.data.split(b"\0\0\1")[-1] in known for packet in after)


@pytest.mark.parametrize("client", ["own", "libav"])
@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_a_camera_with_a_password_is_opened_and_the_password_shown_nowhere(
    auth: Literal["basic", "digest"], client: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if rtsp_camera.missing():
        pytest.skip(rtsp_camera.missing())
    with rtsp_camera.RtspCamera(video.encode("h264", 50, gop=10), auth=auth, user="an admin", password=PASSWORD) as camera:
        with Capture(network(camera.url, client=client, user="an admin", password=PASSWORD)) as capture:
            capture.until_packets(5)
            argv = Path(f"/proc/{capture.worker.pid}/cmdline").read_text() + Path(f"/proc/{capture.worker.pid}/environ").read_text()
            said = repr([message for message in capture.messages if not isinstance(message, Packet)])
        with Capture(network(camera.url, client=client, user="an admin", password=PASSWORD + "!")) as capture:
            fault = capture.until_end()
            assert fault is not None
            assert "refuses user or password" in fault.text
            assert capture.worker.kill().status == 78
    heard = capfd.readouterr()
    for place in (argv, said, fault.text, heard.out, heard.err):
        assert PASSWORD not in place
        assert "h%3Frd" not in place


def test_a_server_that_is_no_camera_is_unreachable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Capture(network(f"rtsp://127.0.0.1:{server.getsockname()[1]}/x")) as capture:
        connection, _ = server.accept()
        with connection:
            assert b"OPTIONS" in connection.recv(4096)
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n" + bytes(300_000))
            fault = capture.until_end()
    assert fault is not None
    assert fault.kind == "camera_unreachable"


def test_a_worker_that_copies_a_network_camera_stays_small(camera: rtsp_camera.RtspCamera) -> None:
    """Below 55 MB, and without the libraries that would make it large."""
    with Capture(network(camera.url)) as capture:
        capture.until_packets(15)
        status = Path(f"/proc/{capture.worker.pid}/status").read_text()
        maps = Path(f"/proc/{capture.worker.pid}/maps").read_text()
    rss_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert rss_kb < 55_000
    assert "libavcodec" not in maps
    assert "numpy" not in maps


def test_the_recorders_side_of_the_wire_loads_no_video_library() -> None:
    code = "import sys; import edge.capture.supervise, edge.capture.restart; sys.exit(bool({'av', 'numpy', 'cv2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0
