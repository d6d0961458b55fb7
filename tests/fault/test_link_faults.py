"""The link's faults on real processes with mutual TLS and the access list as it is made: nothing lost, doubled or out of order.

A small choice; all of them, with longer times, run with `make faults`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.faults.every import params, small
from tests.support.faults.play import Fault, played, table


@pytest.mark.slow
@pytest.mark.parametrize("fault", params(small()))
def test_nothing_is_lost_doubled_or_out_of_order(fault: Fault, tmp_path: Path) -> None:
    row = played(fault, tmp_path)
    print(table([row]))
    assert row.failures == []
