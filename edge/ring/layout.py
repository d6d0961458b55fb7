"""Where everything lies on the data partition and in the volatile folder. The only place that spells folder names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.config.model import NodeConfig


@dataclass(frozen=True, slots=True)
class NodeFolders:
    """`data`: root of the data partition. `volatile`: folder on a memory file system, lost at reboot."""

    data: Path
    volatile: Path

    @property
    def rings(self) -> Path:
        return self.data / "ring"

    def ring(self, camera: str) -> Path:
        return self.data / "ring" / camera

    def open(self, camera: str) -> Path:
        """Segments being written."""
        return self.data / "ring" / camera / "open"

    def erasing(self, camera: str) -> Path:
        """Segments being erased."""
        return self.data / "ring" / camera / "erasing"

    @property
    def hold(self) -> Path:
        return self.data / "hold"

    @property
    def jobs(self) -> Path:
        return self.data / "jobs"

    @property
    def journals(self) -> Path:
        return self.data / "journal"

    def journal(self, writer: str) -> Path:
        return self.data / "journal" / writer

    def cursor(self, writer: str) -> Path:
        """A file, not a folder."""
        return self.data / "cursor" / writer

    def scene(self, camera: str) -> Path:
        """A file: what the camera usually sees, for the watcher."""
        return self.data / "watch" / f"{camera}.npz"

    @property
    def custody_refused(self) -> Path:
        """There while the newest attempt to record what a person does on this node failed: the agent raises an alarm. Volatile."""
        return self.volatile / "custody-refused"

    @property
    def supervisor(self) -> Path:
        """Where the agent leaves wishes for restarts. Volatile; no camera can have this name."""
        return self.volatile / "_supervisor"

    @property
    def link_note(self) -> Path:
        """The link as the agent last saw it. Volatile."""
        return self.volatile / "_agent" / "link.json"

    def run(self, camera: str) -> Path:
        """Volatile files of one camera: status.json, luma window."""
        return self.volatile / camera


def recorder_journal(camera: str) -> str:
    """Name of the journal that the camera's recorder writes."""
    return f"recorder.{camera}"


def folders_of(config: NodeConfig) -> NodeFolders:
    """`config` has absolute paths already (the loader resolves them against node.toml's folder)."""
    node = config.node
    return NodeFolders(Path(node.data), Path(node.run) if node.run else Path("/dev/shm") / f"edge-{node.id}")
