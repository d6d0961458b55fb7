"""Probes of /sys and /proc, on trees as Raspberry Pi and Jetson show them and on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.host import board, network, power, storage, thermal
from edge.host.sysfs import MAX_BYTES, read_int, read_text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def lay(root: Path, **files: str) -> None:
    """Files by path, `__` for /."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_an_empty_board_tells_nothing_and_nothing_is_invented(root: Path) -> None:
    assert thermal.temperatures_c(root) == {}
    assert thermal.cpu_temp_c(root) is None
    assert power.supply(root, ask_firmware=False) == power.Supply()
    assert storage.wear(root) == []
    assert network.default_interface(root) is None
    assert board.board(root).model is None
    assert board.uptime_s(root) is None
    assert storage.partition(root / "missing") is None


def test_a_pis_temperature_is_found_by_name(root: Path) -> None:
    lay(root, sys__class__thermal__thermal_zone0__type="cpu-thermal\n", sys__class__thermal__thermal_zone0__temp="48312\n")
    assert thermal.cpu_temp_c(root) == pytest.approx(48.312)


def test_of_equal_names_the_hottest_counts_and_impossible_ones_do_not(root: Path) -> None:
    for number, (name, temp) in enumerate([("cpu-thermal", "40000"), ("cpu-thermal", "61000"), ("gpu", "-2147483648"), ("dead", "x")]):
        lay(root, **{f"sys__class__thermal__thermal_zone{number}__type": name, f"sys__class__thermal__thermal_zone{number}__temp": temp})
    assert thermal.temperatures_c(root) == {"cpu-thermal": 61.0}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("0", power.Supply(False, False, False, False)),
        ("50005", power.Supply(True, True, True, True)),
        ("10000", power.Supply(False, False, True, False)),
        ("80008", power.Supply(False, True, False, True)),
    ],
)
def test_the_firmwares_throttle_word_is_read_bit_by_bit(root: Path, word: str, expected: power.Supply) -> None:
    lay(root, **{"sys__devices__platform__soc__soc:firmware__get_throttled": word + "\n"})
    assert power.supply(root, ask_firmware=False) == expected


def test_a_jetsons_power_is_volts_times_amperes(root: Path) -> None:
    lay(
        root,
        sys__class__hwmon__hwmon3__name="ina3221",
        sys__class__hwmon__hwmon3__in1_input="5000",
        sys__class__hwmon__hwmon3__curr1_input="1600",
    )
    assert power.supply(root, ask_firmware=False).power_w == pytest.approx(8.0)


def test_emmc_wear_is_the_worse_of_both_kinds_and_a_card_tells_nothing(root: Path) -> None:
    lay(root, sys__block__mmcblk0__device__life_time="0x02 0x0B\n", sys__block__mmcblk0__device__pre_eol_info="0x02\n")
    lay(root, sys__block__mmcblk1__device__name="SD64G\n")
    assert storage.wear(root) == [storage.Wear("mmcblk0", 110, True)]


def test_the_default_route_with_the_lowest_metric_names_the_uplink(root: Path) -> None:
    head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    routes = (
        "wwan0\t00000000\t0100A8C0\t0003\t0\t0\t700\t00000000\t0\t0\t0\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth1\t00000000\t0100A8C0\t0002\t0\t0\t1\t00000000\t0\t0\t0\n"
        "eth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
    )
    lay(root, proc__net__route=head + routes, sys__class__net__eth0__carrier="1\n", sys__class__net__eth0__speed="-1\n")
    lay(root, sys__class__net__eth0__statistics__rx_bytes="123\n")
    assert network.default_interface(root) == network.Interface("eth0", True, None, 123, None)


def test_this_machine_has_cores_memory_uptime_and_room() -> None:
    found = board.board()
    assert found.cores >= 1
    assert found.memory_bytes is not None
    assert found.memory_bytes > 64 << 20
    assert (board.uptime_s() or 0) > 0
    here = storage.partition(Path(__file__))
    assert here is not None
    assert 0 <= here.free_bytes <= here.total_bytes


def test_reads_are_bounded_and_do_not_wait(root: Path) -> None:
    assert len(read_text(Path("/dev/zero")) or "") <= MAX_BYTES
    assert read_text(root) is None
    assert read_int(root / "missing") is None


@given(st.binary(max_size=300))
def test_any_bytes_in_a_probe_file_are_read_or_unknown(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    root = tmp_path_factory.mktemp("sys")
    lay(root, sys__class__thermal__thermal_zone0__type="cpu-thermal")
    for name in (
        "sys/class/thermal/thermal_zone0/temp",
        "proc/uptime",
        "proc/loadavg",
        "proc/meminfo",
        "proc/net/route",
        "proc/net/ipv6_route",
        "sys/block/mmcblk0/device/life_time",
        "sys/devices/platform/soc/soc:firmware/get_throttled",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    thermal.temperatures_c(root)
    power.supply(root, ask_firmware=False)
    storage.wear(root)
    network.default_interface(root)
    board.board(root)
    board.uptime_s(root)
    board.load_1min(root)
