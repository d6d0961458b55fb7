"""Lines as Linux writes them."""

from __future__ import annotations

from pathlib import Path

from edge.host.kernel_log import kernel_troubles

LOG = """\
6,339,5140900,-;usb 1-1: new high-speed USB device number 2 using xhci_hcd
3,340,71000000,-;mmc0: Card stuck being busy! __mmc_poll_for_busy
 SUBSYSTEM=mmc
3,341,71500000,-,caller=T1;blk_update_request: I/O error, dev mmcblk0, sector 12345 op 0x1:(WRITE)
4,342,9000000000,-;hwmon hwmon1: Undervoltage detected!
2,343,9100000000,-;EXT4-fs error (device mmcblk0p3): ext4_journal_check_start:83: Detected\x1b[31m aborted journal
6,344,9200000000,-;eth0: link becomes ready
"""


def root_of(tmp_path: Path, text: str = LOG) -> Path:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kmsg").write_text(text)
    return tmp_path


def test_the_card_the_supply_and_the_file_system_are_told_and_the_rest_is_not(tmp_path: Path) -> None:
    found = kernel_troubles(20, root_of(tmp_path))
    assert [line.partition(" ")[0] for line in found] == ["71.000", "71.500", "9000.000", "9100.000"]
    assert found[2] == "9000.000 hwmon hwmon1: Undervoltage detected!"
    assert "\x1b" not in found[3]


def test_the_newest_are_kept(tmp_path: Path) -> None:
    assert len(kernel_troubles(1, root_of(tmp_path))) == 1
    assert kernel_troubles(1, tmp_path)[0].startswith("9100.000")


def test_a_kernel_that_says_nothing_to_this_user_is_no_error(tmp_path: Path) -> None:
    assert kernel_troubles(20, tmp_path) == []
    assert kernel_troubles(20, root_of(tmp_path, "no record\n\x00;;;\n6,1;mmc0\n")) == []
