"""USB cameras against a real kernel: the contract of all sources, controls, unplugging. A virtual machine; `make vm`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import vm

ALONE = "-p no:cacheprovider --noconftest -o filterwarnings= --rootdir /repo -q -rs --timeout 300"


@pytest.mark.skipif(bool(vm.missing()), reason=vm.missing() or "-")
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("words", "least"),
    [("tests/contract/test_sources.py -k v4l2", 9), ("tests/vm/inside", 11)],
    ids=["contract", "controls and unplugging"],
)
def test_a_camera_of_the_kernels_own_driver(tmp_path: Path, words: str, least: int) -> None:
    done = vm.Machine(tmp_path).run(f"python3 -m pytest {ALONE} {words}", 600)
    print(done.out[-1500:])
    assert done.code == 0, done.out[-6000:]
    passed = re.search(r"(\d+) passed", done.out)
    assert passed is not None
    assert int(passed[1]) >= least
