from __future__ import annotations

import pytest

from edge.clock import format_utc, parse_utc


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "2026-11-26T03:00:00.120Z", "9999-12-31T23:59:59.999Z"]
)
def test_an_instant_is_written_as_it_was_read(text: str) -> None:
    assert format_utc(parse_utc(text)) == text


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-11-26T03:00:00", "yesterday", ""])
def test_what_cannot_be_written_as_utc_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError):
        parse_utc(text)
