"""`edge watch tune`: recorded footage through the detector, and a picture of what it decided and why."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.audit.local_journal import record_before
from edge.cli.clip_files import find
from edge.cli.clip_progress import busy
from edge.cli.footage import ring_reader
from edge.cli.new_file import write_new
from edge.cli.options import config_option, example, known_camera, load_for_people, now_of
from edge.cli.times import parse_range
from edge.clock import format_utc, monotonic_s
from edge.config.model import Camera, NodeConfig, Watch
from edge.errors import NotFound, UsageError
from edge.messages.clip import ClipRequest
from edge.messages.evidence import Viewed

if TYPE_CHECKING:
    from edge.clip.virtual import VirtualClip
    from edge.watch.tune import Picture


@click.command(
    epilog=example(
        "edge watch tune look.mp4 -o why.png",
        "edge watch tune --camera cam0 --from -1h --sensitivity 1.4 -o why.png --operator a.nowak --case 'aiming cam0'",
    )
)
@click.argument("film", required=False, metavar="[FILE]", type=click.Path(path_type=Path))
@config_option
@click.pass_context
@click.option("--camera", metavar="ID", help="Whose zones and sensitivity to take; without FILE also whose footage.")
@click.option("--from", "start", default="-1h", show_default=True, metavar="TIME")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME")
@click.option("--sensitivity", type=click.FloatRange(0, 4, min_open=True), help="Try this one instead of the configured one.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="A new .png.")
@click.option("--operator", default="", help="Who looks. Required without FILE.")
@click.option("--case", default="", help="Case reference. Required without FILE.")
def tune(
    context: click.Context,
    film: Path | None,
    config_path: Path | None,
    camera: str | None,
    start: str,
    end: str,
    sensitivity: float | None,
    output: Path,
    operator: str,
    case: str,
) -> None:
    """Show what the watcher makes of recorded footage: a film, or what a camera recorded.

    Faster than real time. The picture has the score over time, each episode with boxes and zones (green: reported; blue: include, red:
    exclude zones), and what moved and was not reported, with the reason (orange).
    """
    if output.suffix != ".png" or output.exists():
        problem = f"{output} exists already" if output.exists() else f"{output}: not a .png"
        raise UsageError(problem, remedy="name another file")
    if film is None and not (camera and operator and case):
        raise UsageError("which footage?", remedy="name a film, or give --camera with --operator and --case")
    if film is not None and not film.is_file():
        raise UsageError(f"there is no file {film}", remedy="name a film")
    if film is not None and camera is None:
        seen, watch, name = Camera(id="film", source="file:"), Watch(), film.name
        sources: list[Any] = [str(film)]
    else:
        config = load_for_people(config_path or (context.parent.params.get("config_path") if context.parent else None)).config
        seen = next(each for each in config.camera if each.id == known_camera(config, camera))
        watch, name = config.watch, film.name if film else f"{seen.id} {start} - {end}"
        sources = [str(film)] if film else [_Readable(clip) for clip in _recorded(config, seen.id, start, end, operator, case)]
    _report(_Trying(seen, watch, sensitivity or seen.sensitivity), sources, name, output)


@dataclass(frozen=True)
class _Trying:
    camera: Camera
    watch: Watch
    sensitivity: float


def _report(trying: _Trying, sources: list[Any], name: str, output: Path) -> None:
    from edge.watch.episode import Limits
    from edge.watch.motion import DetectorSettings
    from edge.watch.strip import strip
    from edge.watch.tune import replay

    camera, watch = trying.camera, trying.watch
    settings = DetectorSettings(trying.sensitivity, tuple(camera.zone))
    began_s = monotonic_s()
    with busy("looking"):
        trial = replay(_pictures(sources, camera), settings, Limits(watch.start_s, watch.end_s, watch.max_episode_s))
    if not trial.moments:
        raise UsageError(f"{name}: no picture in it decodes", remedy="name a film")
    took_s = max(1e-3, monotonic_s() - began_s)
    count = f"episodes: {len(trial.episodes)}"
    title = f"{name}   sensitivity {trying.sensitivity:g}   {trial.seconds:.0f} s   {count}, {len(trial.doubts)} not believed"
    write_new(output, strip(trial, camera.zone, title))
    click.echo(f"{output}: {count} in {trial.seconds:.0f} s, looked at {trial.seconds / took_s:.0f} times as fast as it was")
    for each in trial.doubts:
        click.echo(f"  {each.since_s:.1f}-{each.until_s:.1f} s was not reported: {each.why}")


def _recorded(config: NodeConfig, camera: str, start: str, end: str, operator: str, case: str) -> list[VirtualClip]:
    """The look is on record before the first picture is read."""
    now_ns = now_of(config).utc_ns
    start_ns, end_ns = parse_range(start, end, now_ns, config.node.timezone)
    viewed = Viewed(operator=operator, case=case, what="tune", camera_id=camera, start=format_utc(start_ns), end=format_utc(end_ns))
    record_before(config, [viewed], camera)
    request = ClipRequest(
        id=f"tune-{now_ns // 1_000_000:x}", camera=camera, start=viewed.start, end=viewed.end, operator=operator, case=case
    )
    clips = find(config, ring_reader(config), request).clips
    if not clips:
        raise NotFound(f"{camera} has no footage of that time", remedy="see `edge timeline`")
    return clips


class _Readable(io.RawIOBase):
    """A clip as libav reads files."""

    def __init__(self, clip: VirtualClip) -> None:
        self._clip, self._place = clip, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._clip.read(self._place, self._clip.size if size < 0 else size)
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._clip.size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place


def _pictures(sources: list[Any], camera: Camera) -> Iterator[tuple[float, Picture]]:
    """As many a second as the watcher would get, one film behind the other."""
    import av
    import numpy as np

    before_s = 0.0
    for source in sources:
        due_s = last_s = 0.0
        try:
            with av.open(source, "r") as film:
                for frame in film.decode(video=0):
                    last_s = float(frame.time or 0.0)
                    if last_s >= due_s:
                        due_s = last_s + 0.999 / camera.luma_fps
                        small = frame.reformat(camera.luma_width, camera.luma_height, "gray", interpolation="AREA")
                        yield before_s + last_s, np.asarray(small.to_ndarray(), np.uint8)
        except av.error.FFmpegError as error:
            raise UsageError(
                f"{source if isinstance(source, str) else camera.id}: not a film that can be read: {error}", remedy="name another"
            ) from None
        before_s += last_s + 1 / camera.luma_fps
