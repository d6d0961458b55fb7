"""What machine it is, from trees as boards have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.capture.board import look, temperature_c

CPU = "processor\t: {}\nmodel name\t: ARMv8\n\n"


def tree(root: Path, model: str, **more: str) -> Path:
    """more: path with __ for / -> text."""
    files = {
        "proc/device-tree/model": f"{model}\0",
        "proc/meminfo": "MemTotal:        3884240 kB\nCmaTotal:         327680 kB\nCmaFree:          184320 kB\n",
        "proc/cpuinfo": "".join(map(CPU.format, range(4))),
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "sys/class/thermal/thermal_zone0/temp": "61354\n",
        "sys/class/thermal/thermal_zone1/type": "gpu-thermal\n",
        "sys/class/thermal/thermal_zone1/temp": "",
    }
    for name, text in (files | {name.replace("__", "/"): text for name, text in more.items()}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("model", "sensors", "profile"),
    [
        ("Raspberry Pi 4 Model B Rev 1.5", ["imx708"], "pi4-cm3"),
        ("Raspberry Pi 4 Model B Rev 1.5", ["imx477"], "pi4-hq"),
        ("Raspberry Pi 5 Model B Rev 1.0", [], "pi5-cm3"),
        ("Raspberry Pi 5 Model B Rev 1.0", ["imx296"], "pi5-gs"),
        ("Raspberry Pi Compute Module 4 Rev 1.1", ["imx708"], "cm4"),
        ("NVIDIA Jetson Orin NX Engineering Reference Developer Kit", [], "orin-nx"),
        ("NVIDIA Jetson Orin Nano Developer Kit", [], "orin-nano"),
        ("", [], "ip-generic"),
    ],
)
def test_a_board_is_known_by_its_device_tree_and_its_sensor(tmp_path: Path, model: str, sensors: list[str], profile: str) -> None:
    board = look(tree(tmp_path, model))
    assert (board.model, board.cpus, board.memory_mb, board.cma_mb) == (model, 4, 3793, 320)
    assert board.profile(sensors) == profile


def test_usb_cameras_are_named_by_what_does_not_change(tmp_path: Path) -> None:
    root = tree(tmp_path, "", sys__class__video4linux__video10__name="second\n", sys__class__video4linux__video2__name="Street cam\n")
    by_id = root / "dev/v4l/by-id"
    by_id.mkdir(parents=True)
    (by_id / "usb-046d_cam-video-index0").symlink_to("../../video2")
    board = look(root)
    assert [(each.device, each.name, each.stable) for each in board.devices] == [
        ("/dev/video2", "Street cam", "/dev/v4l/by-id/usb-046d_cam-video-index0"),
        ("/dev/video10", "second", ""),
    ]
    assert board.profile([]) == "usb-generic"


def test_the_warmest_zone_counts_and_one_that_does_not_answer_is_left_out(tmp_path: Path) -> None:
    root = tree(tmp_path, "x", sys__class__thermal__thermal_zone2__type="tj-thermal", sys__class__thermal__thermal_zone2__temp="70500")
    assert look(root).zones == {"cpu-thermal": 61.354, "tj-thermal": 70.5}
    assert temperature_c(["cpu-thermal"], root) == 61.354
    assert temperature_c([], root) == 70.5
    assert temperature_c(["gpu-thermal"], root) is None


def test_a_machine_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    board = look(tmp_path)
    assert (board.model, board.cpus, board.zones, board.devices) == ("", 0, {}, [])
    assert temperature_c([], tmp_path) is None
