"""Code profiles: spellings, canonical form, and distances that a family lacks."""

from __future__ import annotations

import pytest

from qmk.qvm.profile import CODES, ProfileError, parse


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("logical:surface(d=7)", "logical:surface(d=7)"),
        ("logical:Surface(d=7)", "logical:surface(d=7)"),
        ("logical:SURFACE_CODE(D=3)", "logical:surface(d=3)"),
        (" Logical : surface-code ( d = 3 ) ", "logical:surface(d=3)"),
        ("logical:Bacon_Shor(d=5)", "logical:bacon_shor(d=5)"),
        ("logical:hastings_haah(d=9)", "logical:floquet(d=9)"),
        ("logical:floquet(d=9)", "logical:floquet(d=9)"),
        ("logical:color(d=5, rounds=10, basis=X)", "logical:color(d=5, basis=X, rounds=10)"),
        ("logical:SHYPS(d=9)", "logical:shyps(d=9)"),
        ("logical:bb(d=12)", "logical:bb(d=12)"),
    ],
)
def test_canonical_form(text: str, canonical: str):
    assert parse(text).canonical == canonical
    assert parse(canonical) == parse(text)


@pytest.mark.parametrize(
    ("distance", "member"),
    [(3, (49, 9, 4)), (4, (49, 9, 4)), (5, (225, 16, 8)), (9, (961, 25, 16)), (17, (3969, 36, 32))],
)
def test_shyps_meets_a_distance_with_its_smallest_member(distance: int, member: tuple[int, int, int]):
    """[[(2^r - 1)^2, r^2, 2^(r-1)]]: r = 3 has distance 4, r = 4 has 8, r = 5 has 16."""
    profile = parse(f"logical:shyps(d={distance})")
    assert profile.member == member
    assert profile.granted == member[2]
    assert bool(profile.note) == (distance != member[2])
    if profile.note:
        assert f"distance {distance}" in profile.note


def test_bivariate_bicycle_members():
    assert parse("logical:bb(d=11)").member == (144, 12, 12)
    assert parse("logical:bb(d=12)").note == ""
    with pytest.raises(ProfileError, match="largest is 18"):
        parse("logical:bb(d=19)")


def test_families_with_every_odd_distance_need_no_note():
    for code in ("surface", "bacon_shor", "floquet", "color"):
        assert parse(f"logical:{code}(d=9)").note == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("surface_code(d=3)", "logical:<code>"),
        ("physical:surface(d=3)", "logical:<code>"),
        ("", "logical:<code>"),
        ("logical:surface(d=3", "logical:<code>"),
        ("logical:toric(d=3)", "no code is called 'toric'"),
        ("logical:surface", "distance is missing"),
        ("logical:surface()", "distance is missing"),
        ("logical:surface(d=4)", "write d=5"),
        ("logical:surface(d=0)", "1 to"),
        ("logical:surface(d=-3)", "positive whole number"),
        ("logical:surface(d=3.0)", "positive whole number"),
        ("logical:surface(d=99999999999999)", "positive whole number"),
        ("logical:surface(d=3,d=5)", "twice"),
        ("logical:surface(d=3,x)", "not an entry"),
        ("logical:surface(d=3,)", "not an entry"),
    ],
)
def test_refused(text: str, says: str):
    with pytest.raises(ProfileError, match=says.replace("(", r"\(")):
        parse(text)


def test_every_spelling_is_read():
    for code, spellings in CODES.items():
        assert {parse(f"logical:{spelling.upper()}(d=3)").code for spelling in spellings} == {code}
