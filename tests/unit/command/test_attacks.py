"""Commands under attack: each row of the table (tests/support/attack_commands.py) gets its answer, and the node obeys the next good one."""

from __future__ import annotations

import pytest

from tests.support.attack_commands import COMMAND_SECTIONS, OBEYED, STORED, CommandRow

CASES = [pytest.param(row, id=row.name) for section in COMMAND_SECTIONS for row in section.rows]


@pytest.mark.parametrize("row", CASES)
def test_a_command_under_attack_gets_its_answer(row: CommandRow) -> None:
    node = row.played()
    response, done = node.answers[-1][1], list(node.done)
    if row.answer in (OBEYED, STORED):
        assert (response.state, response.code, len(done)) == ("accepted", "", 1)
    else:
        assert (response.state, response.code) == ("refused", row.answer)
        assert node.records()[-1].code == row.answer
    assert len(set(done)) == len(done)
    node.clock.advance(1)
    assert node.take(node.token("next", operator="b.kot", boot=node.boot)).state == "accepted"
    assert node.done == [*done, "next"]


def test_names_are_given_once() -> None:
    names = [row.name for section in COMMAND_SECTIONS for row in section.rows]
    assert len(set(names)) == len(names)
