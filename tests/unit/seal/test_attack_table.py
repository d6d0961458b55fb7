"""edge/seal/verify.py under attack: each row of the table (tests/support/attack_rows.py), on each codec and form, with the oracle watching.

The oracle gives facts and no verdict; what is asserted of both is that no verdict vouches for what the oracle cannot find signed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.messages.stream import Codec
from tests.support.attack_packages import PACKAGE_ROWS, PackageRow
from tests.support.attack_rows import SECTIONS
from tests.support.attack_shapes import AUTHENTIC, EXIT_CODES, GAPS, UNSIGNED, Row
from tests.support.oracle.containers import open_bytes
from tests.support.oracle.judge import Facts, facts_of
from tests.support.scene import FORMS, scene
from tests.support.town import town
from tests.support.vectors import CODECS
from tests.support.verdicts import judged, judged_bytes

ROWS = [row for section in SECTIONS for row in section.rows if isinstance(row, Row)]
CASES = [pytest.param(row, codec, form, id=f"{row.name}-{codec}-{form}") for row in ROWS for codec in row.codecs for form in row.forms]


@pytest.mark.parametrize(("row", "codec", "form"), CASES)
def test_an_attack_gets_its_verdict(row: Row, codec: Codec, form: str) -> None:
    data = row.made(scene(codec), form)
    found = judged_bytes(data, town().root)
    facts = facts_of(open_bytes(data), town().root)
    assert (found.verdict, found.exit_code) == (row.expected(form), EXIT_CODES[row.expected(form)]), found.why
    assert_not_contradicted(found.verdict, facts)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("row", PACKAGE_ROWS, ids=lambda row: row.name)
def test_an_attack_on_a_package_gets_its_verdict(row: PackageRow, codec: Codec, tmp_path: Path) -> None:
    row.play(scene(codec), tmp_path)
    found = judged(tmp_path, town().root)
    assert (found.verdict, found.exit_code) == (row.verdict, EXIT_CODES[row.verdict]), found.why


def assert_not_contradicted(verdict: str, facts: Facts) -> None:
    if verdict in (AUTHENTIC, GAPS):
        assert facts.all_proven
        assert facts.unreadable == 0
        assert len({gop.serial for gop in facts.gops if gop.serial}) == 1
    if verdict == AUTHENTIC:
        assert facts.gapless
    assert (verdict == UNSIGNED) == (not facts.signed)


@pytest.mark.parametrize(("row", "codec", "form"), [case for case in CASES if case.values[0] is not ROWS[0]])
def test_an_attack_is_one(row: Row, codec: Codec, form: str) -> None:
    assert row.made(scene(codec), form) != FORMS[form](scene(codec).packets, codec)


def test_names_are_told_apart() -> None:
    names = [row.name for section in SECTIONS for row in section.rows]
    assert len(set(names)) == len(names)
