from __future__ import annotations

from typing import Any

import pytest

from edge.errors import Refused
from edge.serve.door import Turnstile, operator_of


def certificate(*names: str) -> dict[str, Any]:
    """As ssl.SSLObject.getpeercert gives it."""
    return {"subject": ((("countryName", "PL"),), *((("commonName", name),) for name in names))}


def test_the_operator_is_the_one_name_of_the_certificate() -> None:
    assert operator_of(certificate("a.nowak"), []) == "a.nowak"
    assert operator_of(certificate("a.nowak"), ["b", "a.nowak"]) == "a.nowak"


@pytest.mark.parametrize("names", [(), ("a", "b"), ("",), ("  ",), ("a\0b",), ("a\nb",), ("a\u202eb",), ("x" * 65,)])
def test_a_certificate_that_does_not_name_one_person_admits_nobody(names: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        operator_of(certificate(*names), [])
    assert refused.value.code == "no_operator"


@pytest.mark.parametrize("name", ["a.nowa", "A.NOWAK", "a.nowak "])
def test_only_who_is_listed_is_admitted(name: str) -> None:
    with pytest.raises(Refused) as refused:
        operator_of(certificate(name), ["a.nowak"])
    assert refused.value.code == "not_admitted"


def test_one_operator_cannot_fill_the_room_and_who_leaves_makes_place() -> None:
    turnstile = Turnstile(3, 2, "clips")
    with turnstile.pass_through("a"):
        with turnstile.pass_through("a"):
            with pytest.raises(Refused, match="2 clips of a"), turnstile.pass_through("a"):
                pass
            with turnstile.pass_through("b"), pytest.raises(Refused, match="answers 3 clips"), turnstile.pass_through("c"):
                pass
        with turnstile.pass_through("a"):
            pass
