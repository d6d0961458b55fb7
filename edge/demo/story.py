"""What the demo does, one short turn at a time: record, see motion, ask for the clip, cut the uplink, resume, verify."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.centre.archive import StoredEvent
from edge.centre.asked import Asked
from edge.clock import NS_PER_S, format_utc, monotonic_s, parse_utc
from edge.demo.town import Town
from edge.demo.view import Scene
from edge.messages.clip import JobProgress, Manifest
from edge.messages.records import Episode, facts_of
from edge.messages.status import CameraStatus
from edge.ring.names import RingFolder

BEFORE_S, AFTER_S = 4.0, 6.0
SETTLE_S = 2.0
"""The last picture asked for must be on disk before the node is asked; a GOP is 1 s."""
FIRST_ASK_S = 8.0
CUT_AT = 0.35
CUT_S = 4.0


@dataclass
class ClipStory:
    """Facts of the one clip the demo asks for."""

    handle: Asked
    asked_s: float
    expected_bytes: int
    sent_before: int
    cut_s: float | None = None
    restored: bool = False
    done_s: float | None = None
    manifest: Manifest | None = None
    resumes: int = 0


class Story:
    """`turn` is called several times a second from one thread; `heard` from the centre's thread (it only appends)."""

    def __init__(self, scene: Scene, patience_s: float, sheet: Callable[[Path, Path], None]) -> None:
        """patience_s: ask for a clip without motion after so long. sheet: (clip, picture) -> None draws the contact sheet."""
        self._scene, self._patience_s, self._sheet = scene, patience_s, sheet
        self._began_s = monotonic_s()
        self._episode: tuple[str, Episode] | None = None
        self._asked: tuple[str, int, int] | None = None
        self._recording = False
        self._recording_since_ns = 0
        self.clip: ClipStory | None = None
        self.failure = ""
        self.on_cut: Callable[[], None] | None = None
        """Called when the uplink has just been cut: the most telling moment."""

    def heard(self, event: StoredEvent) -> None:
        record = event.record
        self._scene.received[event.journal] = self._scene.received.get(event.journal, 0) + 1
        self._scene.heard(f"{event.journal} #{record.seq} {record.type}")
        if record.type != "episode" or record.camera is None:
            return
        episode = facts_of(record, Episode)
        if episode.state == "start":
            self._scene.motion[record.camera] = f"moving, {episode.score:.1%} of the picture"
            self._episode = (record.camera, episode)
        else:
            self._scene.motion.pop(record.camera, None)

    def turn(self, town: Town) -> None:
        self._look(town)
        if self.clip is None:
            self._before(town)
        elif self.clip.done_s is None:
            self._under_way(town, self.clip)

    def _look(self, town: Town) -> None:
        scene = self._scene
        scene.elapsed_s = monotonic_s() - self._began_s
        scene.uplink_up = town.uplink.is_up
        for camera in town.config.camera:
            path = Path(town.config.node.run) / camera.id / "status.json"
            if path.exists():
                scene.cameras[camera.id] = msgspec.json.decode(path.read_bytes(), type=CameraStatus)
            ring = town.data / "ring" / camera.id
            if ring.is_dir():
                scene.sealed[camera.id] = sum(1 for _ in RingFolder(town.disk, ring).all())
        view = town.centre.node(town.node_name)
        if view is not None and view.health is not None:
            scene.health = _health_lines(view.health)
        ready = len(scene.cameras) == len(town.config.camera) and all(one.state == "recording" for one in scene.cameras.values())
        if ready and not self._recording:
            self._recording = True
            self._recording_since_ns = town.clock.read().utc_ns
            scene.tell(f"all {len(scene.cameras)} cameras are recording")

    def _before(self, town: Town) -> None:
        now_ns = town.clock.read().utc_ns
        if self._asked is None:
            self._asked = self._choose(now_ns)
            return
        camera, start_ns, end_ns = self._asked
        if now_ns < end_ns + SETTLE_S * NS_PER_S:
            return
        start, finish = format_utc(start_ns), format_utc(end_ns)
        handle = town.centre.request_clip(town.node_name, camera, start, finish, operator="demo", case="DEMO-1")
        bitrate_kbps = next(one.bitrate_kbps for one in town.config.camera if one.id == camera)
        measured_kbps = self._scene.cameras[camera].bitrate_kbps or bitrate_kbps
        expected = int(measured_kbps * 125 * (end_ns - start_ns) / NS_PER_S)
        self.clip = ClipStory(handle, monotonic_s(), expected, town.uplink.sent_bytes)
        self._scene.tell(f"the centre asks {camera} for {start[11:23]} - {finish[11:23]} UTC over MQTT")

    def _choose(self, now_ns: int) -> tuple[str, int, int] | None:
        if self._episode is not None and self._recording and self._scene.elapsed_s >= FIRST_ASK_S:
            camera, episode = self._episode
            since_ns = parse_utc(episode.since)
            self._scene.tell(f"motion on {camera} since {episode.since[11:23]} UTC: the centre wants the clip around it")
            start_ns = max(since_ns - round(BEFORE_S * NS_PER_S), self._recording_since_ns)
            return camera, start_ns, since_ns + round(AFTER_S * NS_PER_S)
        if self._recording and self._scene.elapsed_s > self._patience_s:
            self._scene.tell("no motion so far: the centre asks for the last seconds all the same")
            camera = max(self._scene.cameras.values(), key=lambda each: each.bitrate_kbps or 0.0).camera
            return camera, now_ns - round(AFTER_S * NS_PER_S), now_ns
        return None

    def _under_way(self, town: Town, clip: ClipStory) -> None:
        now_s = monotonic_s()
        progress = _progress_on_disk(town.data / "jobs" / clip.handle.id / "progress.json") or clip.handle.progress
        if progress is not None:
            under_way = max(progress.sent_bytes, town.received_bytes())
            self._scene.job = msgspec.structs.replace(progress, sent_bytes=min(under_way, progress.total_bytes))
            clip.resumes = max(clip.resumes, progress.resumes)
        sent = town.uplink.sent_bytes - clip.sent_before
        if clip.cut_s is None and sent > CUT_AT * clip.expected_bytes:
            town.uplink.cut()
            self._scene.uplink_up = False
            clip.cut_s = now_s
            self._scene.tell(f"the uplink is cut after {sent / 1e6:.1f} MB of about {clip.expected_bytes / 1e6:.1f} MB; recording goes on")
            if self.on_cut is not None:
                self.on_cut()
        elif clip.cut_s is not None and not clip.restored and now_s - clip.cut_s >= CUT_S:
            town.uplink.restore()
            clip.restored = True
            self._scene.tell("the uplink is back")
        final = clip.handle.final
        if final is None:
            return
        if not town.uplink.is_up:
            town.uplink.restore()
        clip.done_s = now_s
        clip.manifest = final.manifest
        last = clip.handle.progress
        clip.resumes = max(clip.resumes, last.resumes if last is not None else 0)
        if final.state != "done" or final.manifest is None:
            self.failure = f"the node answers {final.state}: {final.code} {final.text}"
            self._scene.tell(self.failure)
            return
        files, beside = len(final.manifest.files), len(final.manifest.attachments)
        self._scene.tell(f"done: {files} clip(s) and {beside} files of the package, resumed {clip.resumes} time(s)")
        self._verify(town, clip)

    def _verify(self, town: Town, clip: ClipStory) -> None:
        assert clip.manifest is not None
        for file in clip.manifest.files:
            path = town.clips / town.node_name / clip.handle.id / file.name
            same = path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
            self._scene.tell(f"{file.name}: SHA-256 {'the same at both ends' if same else 'DIFFERS'} ({file.sha256[:12]}...)")
            if not same:
                self.failure = f"{path} is not what the node sent"
                continue
            picture = path.with_suffix(".png")
            self._sheet(path, picture)
            self._scene.tell(f"clip: {path}")
            self._scene.tell(f"contact sheet: {picture}")


def _progress_on_disk(path: Path) -> JobProgress | None:
    """The node's own word, newer than the last one that came through the uplink."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=JobProgress)
    except FileNotFoundError:
        return None


def _health_lines(document: dict[str, object]) -> dict[str, str]:
    """The few values a person would look at first, from the node's health document."""
    lines: dict[str, str] = {}
    for section in ("storage", "clock", "heat", "link"):
        values = document.get(section)
        if isinstance(values, dict):
            known = [_short(name, value) for name, value in values.items() if value not in (None, "", {}, [])]
            if known:
                lines[section] = ", ".join(known[:3])
    return lines


def _short(name: str, value: object) -> str:
    if isinstance(value, int) and name.endswith("_bytes"):
        return f"{name.removesuffix('_bytes')} {value / 1e9:.1f} GB"
    return f"{name} {value:.1f}" if isinstance(value, float) else f"{name} {value}"
