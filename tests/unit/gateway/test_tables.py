"""Tables of the console that are narrowed by what their address says."""

from __future__ import annotations

from urllib.parse import parse_qsl

from qmk.gateway.console.tables import VALUES, Table, narrow

ROWS = [("a", "on", ("x", "y")), ("b", "off", ("x",)), ("c", "on", ()), ("d", "on", ("y", "z"))]


def table(query: str) -> Table:
    return narrow(parse_qsl(query), ROWS, state=lambda row: row[1], event=lambda row: row[2], same=lambda row: "always")


def counts(found: Table) -> dict[str, dict[str, int]]:
    return {facet.name: {each.text: each.rows for each in facet.listed} for facet in found.facets}


def test_all_rows_are_counted_and_columns_of_one_value_left_out() -> None:
    found = table("month=2026-11")
    assert (len(found.rows), found.total, found.narrowed) == (4, 4, False)
    assert counts(found) == {"state": {"on": 3, "off": 1}, "event": {"x": 2, "y": 2, "z": 1}}
    assert found.facets[0].listed[1].address == "month=2026-11&only_state=off"


def test_a_value_narrows_the_rows_and_the_counts_of_the_other_columns() -> None:
    found = table("month=2026-11&only_state=on&as=json")
    assert [row[0] for row in found.rows] == ["a", "c", "d"]
    assert counts(found) == {"state": {"on": 3, "off": 1}, "event": {"y": 2, "x": 1, "z": 1}}
    on, off = found.facets[0].listed
    assert (on.chosen, on.address) == (True, "month=2026-11")
    assert (off.chosen, off.address) == (False, "month=2026-11&only_state=off")
    assert [row[0] for row in table("only_state=on&only_event=x").rows] == ["a"]


def test_what_no_row_has_gives_an_empty_table_that_can_be_left() -> None:
    found = table("only_state=gone&only_other=1")
    assert (found.rows, found.total) == ([], 4)
    gone = next(each for each in found.facets[0].listed if each.chosen)
    assert (gone.text, gone.rows, gone.address) == ("gone", 0, "only_other=1")


def test_only_the_most_frequent_values_are_listed() -> None:
    rows = [str(number) for number in range(VALUES + 3)] + ["7"]
    (facet,) = narrow([("only_name", "13")], rows, name=lambda row: row).facets
    assert facet.listed[0].text == "7"
    assert len(facet.listed) == VALUES + 1
    assert facet.others == len(rows) - sum(each.rows for each in facet.listed)
