"""Profiles of boards: what they say fits the model, and what is drawn and written beside them is made of parts that are there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edge.config import hardware
from edge.config.endurance import advice, endurance
from edge.config.hardware import Storage
from edge.config.model import Camera
from edge.config.read import read_config
from tests.support.command import ROOT

WANTED = ["pi4-cm3", "pi4-hq", "pi5-cm3", "pi5-gs", "cm4", "orin-nano", "orin-nx", "usb-generic", "ip-generic", "desk"]
NODE = '[node]\nid = "pole-1"\ndata = "data"\nhw = "{name}"\n[[camera]]\nid = "cam0"\n'


def test_all_boards_of_the_mission_are_there() -> None:
    assert set(WANTED) == set(hardware.names())


@pytest.mark.parametrize("name", [name for name in WANTED if name not in ("desk", "ip-generic", "cm4")])
def test_a_board_with_its_own_camera_is_one_word_of_node_toml(tmp_path: Path, name: str) -> None:
    path = tmp_path / "node.toml"
    path.write_text(NODE.format(name=name))
    (camera,) = read_config(path).config.camera
    assert camera.source
    assert camera.fps == 25.0


@pytest.mark.parametrize("name", WANTED)
def test_a_profile_says_what_installers_ask(name: str) -> None:
    profile = hardware.profile(name)
    assert profile.storage is not None
    assert profile.thermal.slow_c < profile.thermal.slower_c < profile.thermal.critical_c
    if name != "desk":
        assert profile.power is not None
        assert profile.power.typical_w < profile.power.peak_w
        assert profile.board.notes
        assert not profile.board.tested, "nobody has seen it yet"


def test_every_profile_has_a_column_in_the_bench_list() -> None:
    head = next(line for line in (ROOT / "hw/README.md").read_text().splitlines() if line.startswith("| step |"))
    columns = [cell.strip() for cell in head.strip("|").split("|")][3:]
    assert {name.removesuffix("-generic") for name in WANTED if name != "desk"} == set(columns)


def test_storage_is_counted_in_days_and_years() -> None:
    cameras = [Camera(id="a", source="synthetic:", bitrate_kbps=4000), Camera(id="b", source="synthetic:", bitrate_kbps=4000)]
    found = endurance(cameras, Storage(medium="nvme", size_gb=1000, rated_tb=600))
    assert found.daily_bytes == 2 * 500_000 * 86_400
    assert found.days == pytest.approx(11.1, abs=0.1)
    assert found.years == pytest.approx(17.3, abs=0.1)
    assert advice(found, Storage(medium="nvme", size_gb=1000, rated_tb=600), 11) == []
    (told,) = advice(found, Storage(medium="nvme", size_gb=1000, rated_tb=600), 20)
    assert "take at least 1800 GB" in told
    worn = endurance(cameras, Storage(medium="sd", size_gb=2000, rated_tb=50))
    (told,) = advice(worn, Storage(medium="sd", size_gb=2000, rated_tb=50), 20)
    assert "worn out after 1.4 years" in told


@pytest.mark.skipif(shutil.which("dtc") is None, reason="dtc is not installed (apt-get install device-tree-compiler)")
@pytest.mark.parametrize("source", sorted((ROOT / "hw/overlays").glob("*.dts")), ids=lambda path: path.stem)
def test_an_overlay_compiles_without_a_warning_and_says_what_the_wiring_table_says(tmp_path: Path, source: Path) -> None:
    made = tmp_path / "overlay.dtbo"
    done = subprocess.run(["dtc", "-@", "-I", "dts", "-O", "dtb", "-o", made, source], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    back = subprocess.run(["dtc", "-I", "dtb", "-O", "dts", made], capture_output=True, text=True, check=True).stdout
    pins = [int(number, 16) for number in re.findall(r"brcm,pins = <([^>]+)>", back)[0].split()]
    table = re.findall(r"^\| (?:door|service|status|IR-cut)[^|]*\| (\d+) \|", (ROOT / "hw/README.md").read_text(), re.MULTILINE)
    assert pins == [int(number) for number in table]


def test_the_picture_of_the_box_is_a_picture() -> None:
    root = ElementTree.parse(ROOT / "hw/pole-box.svg").getroot()
    assert root.tag.endswith("svg")
    words = " ".join("".join(each.itertext()) for each in root.iter() if each.tag.endswith("text"))
    for part in ("compute board", "camera", "antenna", "door lock", "surge protection"):
        assert part in words
