"""The live terminal picture: a pure function from what is known to what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rich import box
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from edge.messages.clip import JobProgress
from edge.messages.status import CameraStatus

_SHOWN_LINES = 14
_STATE_STYLE = {"recording": "bold green", "starting": "yellow", "stalled": "bold yellow", "failed": "bold red", "stopped": "dim"}


@dataclass
class Scene:
    """Everything the demo shows. Written by the story's thread only."""

    elapsed_s: float = 0.0
    uplink_up: bool = True
    cameras: dict[str, CameraStatus] = field(default_factory=dict)
    sealed: dict[str, int] = field(default_factory=dict)
    motion: dict[str, str] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)
    traffic: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    health: dict[str, str] = field(default_factory=dict)
    job: JobProgress | None = None
    echo: Callable[[str], object] | None = None
    """Where narration goes line by line when there is no live view."""

    def tell(self, line: str) -> None:
        """One line of narration, stamped with the demo's own time."""
        self.story.append(f"{self.elapsed_s:5.1f} s  {line}")
        if self.echo is not None:
            self.echo(self.story[-1])

    def heard(self, line: str) -> None:
        """One line of MQTT traffic; only the newest are kept."""
        self.traffic.append(line)
        del self.traffic[:-200]


def draw(scene: Scene) -> RenderableType:
    layout = Layout()
    layout.split_column(
        Layout(_cameras(scene), name="cameras", size=5 + max(1, len(scene.cameras))),
        Layout(name="middle"),
        Layout(_upload(scene), name="upload", size=4),
    )
    layout["middle"].split_row(Layout(_story(scene), ratio=3), Layout(name="right", ratio=2))
    layout["right"].split_column(Layout(_traffic(scene)), Layout(_health(scene), size=9))
    return layout


def _cameras(scene: Scene) -> RenderableType:
    table = Table(box=box.SIMPLE, expand=True, pad_edge=False)
    for heading in ("camera", "state", "picture", "fps", "kbit/s", "segment", "sealed", "frames", "dropped", "motion"):
        table.add_column(heading)
    for name, status in sorted(scene.cameras.items()):
        table.add_row(
            name,
            Text(status.state, style=_STATE_STYLE.get(status.state, "")),
            f"{status.width}x{status.height} {status.codec}" if status.width else "-",
            _number(status.fps, 1),
            _number(status.bitrate_kbps, 0),
            _number(status.segment_seq, 0),
            str(scene.sealed.get(name, 0)),
            str(status.frames),
            str(status.gops_dropped),
            Text(scene.motion.get(name, "still"), style="bold magenta" if name in scene.motion else "dim"),
        )
    link = Text("uplink up", style="green") if scene.uplink_up else Text("UPLINK CUT", style="bold white on red")
    return Panel(table, title=f"node pole-1 - recording  ({scene.elapsed_s:.0f} s)", subtitle=link, border_style="blue")


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _story(scene: Scene) -> RenderableType:
    return Panel(Text("\n".join(scene.story[-_SHOWN_LINES:])), title="what happens", border_style="cyan")


def _traffic(scene: Scene) -> RenderableType:
    total = sum(scene.received.values())
    return Panel(Text("\n".join(scene.traffic[-_SHOWN_LINES:]), no_wrap=True, overflow="ellipsis"), title=f"MQTT ({total} records stored)")


def _health(scene: Scene) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for name, value in scene.health.items():
        table.add_row(Text(name, style="dim"), value)
    return Panel(table, title="health", border_style="green")


def _upload(scene: Scene) -> RenderableType:
    job = scene.job
    if job is None:
        return Panel(Text("no clip asked for yet", style="dim"), title="clip upload")
    bar = ProgressBar(total=max(1, job.total_bytes), completed=job.sent_bytes)
    words = f"{job.id}: {job.state} - {job.sent_bytes / 1e6:.2f} of {job.total_bytes / 1e6:.2f} MB, resumed {job.resumes} times {job.text}"
    return Panel(Group(Text(words), bar), title="clip upload", border_style="magenta")
