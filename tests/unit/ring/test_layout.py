from pathlib import Path

from edge.config.model import Camera, Node, NodeConfig
from edge.ring.layout import NodeFolders, folders_of, recorder_journal


def config(run: str = "") -> NodeConfig:
    return NodeConfig(node=Node(id="pole-1", data="/data", run=run), camera=[Camera(id="cam0", source="synthetic:")])


def test_every_room_of_a_node_has_one_place() -> None:
    folders = NodeFolders(Path("/data"), Path("/run/edge"))
    assert folders.ring("cam0") == Path("/data/ring/cam0")
    assert folders.open("cam0") == Path("/data/ring/cam0/open")
    assert folders.hold == Path("/data/hold")
    assert folders.jobs == Path("/data/jobs")
    assert folders.journal(recorder_journal("cam0")) == Path("/data/journal/recorder.cam0")
    assert folders.cursor("watcher") == Path("/data/cursor/watcher")
    assert folders.run("cam0") == Path("/run/edge/cam0")


def test_the_volatile_folder_is_in_shared_memory_unless_named() -> None:
    assert folders_of(config()).volatile == Path("/dev/shm/edge-pole-1")
    assert folders_of(config("/run/edge")).volatile == Path("/run/edge")


def test_footage_holds_and_jobs_lie_below_one_root_so_that_they_can_share_links() -> None:
    folders = folders_of(config())
    assert all(each.is_relative_to(folders.data) for each in (folders.rings, folders.hold, folders.jobs, folders.journals))
