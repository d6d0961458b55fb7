"""Every fault of the link, and one table over all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.faults.every import full, params
from tests.support.faults.play import Fault, Row, played, table


@pytest.fixture(scope="module")
def rows() -> Iterator[list[Row]]:
    """Printed at the end; also into the file that LINK_FAULTS names."""
    found: list[Row] = []
    yield found
    print(f"\n\n{table(found)}")
    if os.environ.get("LINK_FAULTS"):
        Path(os.environ["LINK_FAULTS"]).write_text(table(found) + "\n")


@pytest.mark.parametrize("fault", params(full()))
def test_nothing_is_lost_doubled_or_out_of_order(fault: Fault, tmp_path: Path, rows: list[Row]) -> None:
    row = played(fault, tmp_path)
    rows.append(row)
    assert row.failures == []
