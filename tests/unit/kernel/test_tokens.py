"""Tokens: what a holder may add, what is read back, and where the bounds are."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.token import Bounds, attenuate, bounds_of, open_token, read
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.base.units import SECOND_NS
from qmk.kernel import tokens

KEY = bytes(range(32))
NOW_NS = 1000 * SECOND_NS


def mint(**bounds: Any) -> str:
    text, _ = tokens.mint(KEY, "chem", b"e" * 16, Bounds(**bounds))
    return text


def check(text: str, *, uid: int = -1, now_ns: int = NOW_NS) -> tokens.Bearer:
    return tokens.check(KEY, text, now_ns, uid)


def test_a_token_tells_its_tenant_serial_and_bounds():
    text, serial = tokens.mint(KEY, "chem", b"e" * 16, Bounds(expires=2000, rights=frozenset({"CAP_STATUS"}), shots=5))
    bearer = check(text)
    assert (bearer.tenant, bearer.serial) == ("chem", serial)
    assert bearer.bounds == Bounds(expires=2000, rights=frozenset({"CAP_STATUS"}), shots=5)
    assert open_token(text).serial_text == serial
    assert text.startswith("qmk1.")
    assert len(text) < 256


def test_other_entropy_gives_another_serial():
    assert tokens.mint(KEY, "chem", b"e" * 16, Bounds()) != tokens.mint(KEY, "chem", b"f" * 16, Bounds())


def test_a_holder_narrows_without_the_key_and_never_widens():
    text = mint(expires=2000, rights=frozenset({"CAP_STATUS", "CAP_RESULT"}), shots=100)
    narrow = attenuate(text, expires=1500, rights=["CAP_STATUS", "CAP_SUBMIT"], shots=10, uid=7)
    assert check(narrow, uid=7).bounds == Bounds(1500, frozenset({"CAP_STATUS"}), 10, 7)
    wide = attenuate(narrow, expires=9000, rights=["CAP_STATUS", "CAP_RESULT", "CAP_SUBMIT"], shots=1000)
    assert check(wide, uid=7).bounds == check(narrow, uid=7).bounds
    assert check(attenuate(text, rights=[])).bounds.rights == frozenset()
    assert check(text).bounds.shots == 100, "the wider token stays good"


def test_a_token_is_void_from_its_expiry_on():
    text = mint(expires=1001)
    check(text, now_ns=1001 * SECOND_NS - 1)
    with pytest.raises(QmkError, match="expired"):
        check(text, now_ns=1001 * SECOND_NS)


def test_a_token_of_one_user_is_not_anothers():
    text = mint(uid=7)
    check(text, uid=7)
    for uid in (-1, 0, 8):
        with pytest.raises(QmkError, match="not valid"):
            check(text, uid=uid)
    with pytest.raises(QmkError, match="not valid"):
        check(attenuate(text, uid=8), uid=7)


@pytest.mark.parametrize(
    "caveats", [("colour=red",), ("expires=01",), ("expires=-1",), ("expires=1e9",), ("rights=a b",), ("",), ("shots",)]
)
def test_a_caveat_that_is_not_understood_voids_the_token(caveats: tuple[str, ...]):
    from qmk.abi.token import MalformedToken, extend, write

    with pytest.raises(MalformedToken):
        bounds_of(caveats)
    with pytest.raises(QmkError) as caught:
        check(write(extend(read(mint()), caveats)))
    assert caught.value.kind.name == "AUTH_FAILED"
    assert "expired" not in caught.value.message


def test_attenuation_has_a_bound_and_says_so():
    text = mint()
    for _ in range(LIMITS.token_caveats):
        text = attenuate(text, shots=5)
    check(text)
    with pytest.raises(QmkError) as caught:
        attenuate(text, shots=5)
    assert str(LIMITS.token_caveats) in caught.value.message
    long_names = [f"CAP_{'A' * 59}{chr(65 + n)}" for n in range(26)]
    with pytest.raises(QmkError) as caught:
        attenuate(mint(), rights=long_names)
    assert str(LIMITS.token_chars) in caught.value.message


@pytest.mark.parametrize(
    "wishes", [{}, {"expires": -1}, {"shots": 1.5}, {"rights": ["cap alloc"]}, {"rights": ["A" * 70]}]
)
def test_wishes_that_no_caveat_holds_are_refused(wishes: dict[str, Any]):
    with pytest.raises(QmkError) as caught:
        attenuate(mint(), **wishes)
    assert caught.value.kind.name == "INVALID_PARAMS"


@pytest.mark.parametrize("text", ["", "x", "qmk1.", "qmk1.@", "qmk2.AAAA"])
def test_what_is_no_token_is_told_so_to_people(text: str):
    with pytest.raises(QmkError, match="not a QMK token"):
        attenuate(text, shots=1)


def test_without_a_key_no_token_is_good():
    text, _ = tokens.mint(b"", "chem", b"e" * 16, Bounds())
    with pytest.raises(QmkError, match="not valid"):
        tokens.check(b"", text, NOW_NS, -1)
