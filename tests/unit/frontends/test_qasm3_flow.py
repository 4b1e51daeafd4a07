"""Feed-forward, loops, subroutines and jumps of OpenQASM 3: exact distributions worked out by hand."""

from __future__ import annotations

import pytest

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def dist(distribution, text, **params):
    return distribution(HEAD + text, **params)


def fixed(key):
    return pytest.approx({key: 1.0})


PREPARED = "qubit[4] q; bit[4] c; "
"""c holds whatever the program prepared in the qubits"""


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("c[0]", lambda c: c & 1),
        ("!c[0]", lambda c: not c & 1),
        ("c[0] == 1", lambda c: c & 1),
        ("c[0] == 0", lambda c: not c & 1),
        ("c[1] != 0", lambda c: c >> 1 & 1),
        ("c == 5", lambda c: c == 5),
        ('c == "0101"', lambda c: c == 5),
        ("5 == c", lambda c: c == 5),
        ("c != 5", lambda c: c != 5),
        ("c < 6", lambda c: c < 6),
        ("c <= 6", lambda c: c <= 6),
        ("c > 6", lambda c: c > 6),
        ("c >= 6", lambda c: c >= 6),
        ("6 > c", lambda c: c < 6),
        ("c[0] && c[1]", lambda c: c & 3 == 3),
        ("c[0] || c[3]", lambda c: c & 9),
        ("c[0] ^ c[1] ^ c[2]", lambda c: (c & 7).bit_count() & 1),
        ("bool(c[0] & ~c[1] | c[2])", lambda c: c & 4 or c & 3 == 1),
        ("c[0] == c[1]", lambda c: c & 1 == c >> 1 & 1),
        ("c[0:1] == c[2:3]", lambda c: c & 3 == c >> 2),
        ("int[4](c) < 0", lambda c: c >= 8),
        ("int[4](c) == -3", lambda c: c == 13),
        ("uint[4](c) + 3 == 7", lambda c: (c + 3) % 16 == 7),
        ("uint[4](c) - 3 == 15", lambda c: (c - 3) % 16 == 15),
        ("uint[3](c[0:2]) > uint[3](c[1:3])", lambda c: (c & 7) > (c >> 1)),
        ("c << 1 == 6", lambda c: c << 1 & 15 == 6),
        ("(c >> 2) == 3", lambda c: c >> 2 == 3),
        ("popcount(c) == 2", lambda c: c.bit_count() == 2),
        ("rotl(c, 1) == 3", lambda c: (c << 1 | c >> 3) & 15 == 3),
        ("c", lambda c: c != 0),
        ("!c", lambda c: c == 0),
        ("(c[0] && !c[1]) || (c[2] && c[3])", lambda c: c & 3 == 1 or c >> 2 == 3),
        ("(c[0] || c[1]) && (c[2] || c[3])", lambda c: bool(c & 3 and c & 12)),
        ("bool(c[0]) != bool(c[3])", lambda c: (c & 1) != (c >> 3)),
        ("c[-1]", lambda c: c >> 3),
        ('(c & "0110") == 6', lambda c: c & 6 == 6),
        ('(c ^ "0110") == 0', lambda c: c == 6),
        ("(c | 8) == 13", lambda c: c | 8 == 13),
        ("-int[4](c) == 3", lambda c: c == 13),
    ],
)
def test_conditions_on_measured_bits(condition, holds, distribution):
    """Every value of a uniformly random register, each with what the condition says of it."""
    text = f"qubit r; {PREPARED} bit hit; h q; c = measure q; if ({condition}) x r; hit = measure r;"
    want = {f"{int(bool(holds(c)))} {c:04b}": 1 / 16 for c in range(16)}
    assert dist(distribution, text) == pytest.approx(want)


def test_wide_register_comparison_becomes_one_guard(read):
    graph = read(HEAD + "qubit[8] q; bit[8] c; c = measure q; if (c == 170) x q[0];")
    guard = graph.nodes[-2].guard
    assert guard.type == "and"
    assert [(g.event, g.value) for g in guard.conditions] == [(f"c_{k}", k % 2) for k in range(8)]


def test_comparison_of_very_wide_registers(distribution):
    text = (
        "qubit r; qubit[12] q; bit[12] c; bit hit; x q[0]; x q[11]; c = measure q; if (c == 2049) x r; hit = measure r;"
    )
    assert dist(distribution, text) == fixed("1 100000000001")


def test_else_takes_the_rest(distribution):
    text = "qubit[2] q; bit a; bit b; h q[0]; a = measure q[0]; if (a) x q[1]; else { } b = measure q[1];"
    assert dist(distribution, text) == pytest.approx({"0 0": 0.5, "1 1": 0.5})
    text = "qubit[2] q; bit a; bit b; h q[0]; a = measure q[0]; if (a == 1) { } else x q[1]; b = measure q[1];"
    assert dist(distribution, text) == pytest.approx({"1 0": 0.5, "0 1": 0.5})


def test_nested_branches_make_compound_guards(read, distribution):
    text = (
        "qubit[3] q; bit[2] c; bit r; h q[0]; h q[1]; c[0] = measure q[0]; c[1] = measure q[1];"
        "if (c[0]) { if (c[1]) { x q[2]; } else { y q[2]; z q[2]; } } r = measure q[2];"
    )
    graph = read(HEAD + text)
    guards = [n.guard for n in graph.nodes if n.guard]
    assert [(g.event, g.value) for g in guards[0].conditions] == [("c_0", 1), ("c_1", 1)]
    assert [(g.event, g.value) for g in guards[1].conditions] == [("c_0", 1), ("c_1", 0)]
    assert dist(distribution, text) == pytest.approx({"0 00": 0.25, "1 01": 0.25, "0 10": 0.25, "1 11": 0.25})


def test_condition_is_taken_before_the_branch_changes_it(distribution):
    """Both statements of the branch run although the first overwrites the bit."""
    text = (
        "qubit[2] q; bit c; bit d; x q[0]; c = measure q[0]; "
        "if (c) { x q[0]; c = measure q[0]; x q[1]; } d = measure q[1];"
    )
    assert dist(distribution, text) == fixed("1 0")


def test_else_is_decided_by_the_condition_before_the_then_branch(distribution):
    text = "qubit[2] q; bit c; bit d; x q[0]; c = measure q[0]; if (c) c = 0; else x q[1]; d = measure q[1];"
    assert dist(distribution, text) == fixed("0 0")


def test_conditionally_overwritten_bit_keeps_its_old_value_elsewhere(distribution):
    text = (
        "qubit[2] q; bit a; bit b; h q[0]; a = measure q[0]; x q[1]; b = measure q[1];"
        "if (a) { reset q[1]; b = measure q[1]; }"
    )
    assert dist(distribution, text) == pytest.approx({"1 0": 0.5, "0 1": 0.5})


def test_bits_assigned_in_branches_merge(distribution):
    text = (
        "qubit[2] q; bit[2] c; bit[3] r; h q; c = measure q;"
        'if (c[0]) { r[0] = 1; if (c[1]) r = "110"; else r[2] = c[0]; } else { r[1] = !c[1]; }'
    )
    want = {"010 00": 0.25, "101 01": 0.25, "000 10": 0.25, "110 11": 0.25}
    assert dist(distribution, text) == pytest.approx(want)


def test_deep_nesting_folds_into_an_event(read, distribution):
    opens = "".join(f"if (c[{k}] != d[{k}]) {{ " for k in range(8))
    text = "qubit[2] q; bit[8] c; bit[8] d; bit r; x q[0]; for int i in [0:7] c[i] = measure q[0];"
    text += f"{opens}x q[1];{'}' * 8}"
    graph = read(HEAD + text + " r = measure q[1];")
    assert max(len(n.guard.events()) for n in graph.nodes if n.guard) <= 24
    assert dist(distribution, text + " r = measure q[1];") == fixed("1 00000000 11111111")
    wide = text.replace("x q[0]; for", "x q[0]; d[7] = measure q[0]; for")
    assert dist(distribution, wide + " r = measure q[1];") == fixed("0 10000000 11111111")


def test_many_conditions_of_single_bits_fold(read):
    opens = "".join(f"if (c[{k}]) {{ " for k in range(30))
    graph = read(HEAD + f"qubit q; bit[30] c; for int i in [0:29] c[i] = measure q; {opens}x q;{'}' * 30}")
    guarded = [n for n in graph.nodes if n.guard]
    assert len(guarded) == 1
    assert guarded[0].guard.type == "eq"


def test_switch_on_a_measured_register(distribution):
    text = (
        "qubit[2] q; bit[2] c; bit[2] r; qubit[2] t; h q; c = measure q; switch (int(c)) { case 0 { x t[0]; }"
        " case 1, 2 { x t[1]; } default { x t; } } r = measure t;"
    )
    assert dist(distribution, text) == pytest.approx({"01 00": 0.25, "10 01": 0.25, "10 10": 0.25, "11 11": 0.25})


def test_switch_on_a_known_value(distribution):
    text = "const int n = 3; qubit q; bit r; switch (n) { case 1, 2 { } case 3 { x q; } default { } } r = measure q;"
    assert dist(distribution, text) == fixed("1")


# -- loops -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loop", "total"),
    [
        ("for int i in [0:3]", 6),
        ("for int i in [0:2:6]", 12),
        ("for int i in [3:-1:1]", 6),
        ("for uint[4] i in {1, 5, 2}", 8),
        ("for int i in numbers", 10),
        ("for int i in [3:1]", 0),
        ("for i in [1:1]", 1),
        ('for bit i in "0110"', 2),
    ],
)
def test_for_loops_take_every_value(loop, total, distribution):
    text = f"array[int[8], 4] numbers = {{1, 2, 3, 4}}; output uint[5] sum; sum = 0; {loop} {{ sum += uint[5](i); }}"
    assert dist(distribution, text) == fixed(f"{total:05b}")


def test_while_ends_when_its_condition_becomes_false(distribution):
    text = "qubit q; int n = 5; while (n > 0) { x q; n -= 1; } bit c = measure q;"
    assert dist(distribution, text) == fixed("1")


def test_break_and_continue_on_known_values(distribution):
    text = "output uint[6] s; s = 0; for int i in [0:10] { if (i == 2) continue; if (i == 5) break; s += uint[6](i); }"
    assert dist(distribution, text) == fixed(f"{0 + 1 + 3 + 4:06b}")


def test_break_on_a_measured_bit(distribution):
    """Repeat until success, at most three times: after a success nothing more is done."""
    text = (
        "qubit q; output uint[2] tries; tries = 0; output bit done; for int i in [0:2]"
        " { tries += 1; h q; done = measure q; if (done) break; }"
    )
    assert dist(distribution, text) == pytest.approx({"1 01": 0.5, "1 10": 0.25, "1 11": 0.125, "0 11": 0.125})


def test_continue_on_a_measured_bit(distribution):
    text = (
        "qubit[2] q; bit[2] m; bit[2] r; for int i in [0:1] { reset q[0]; h q[0]; m[i] = measure q[0];"
        " if (m[i]) continue; x q[1]; r[i] = measure q[1]; }"
    )
    want = {"00 11": 0.25, "10 01": 0.25, "01 10": 0.25, "01 00": 0.25}
    assert dist(distribution, text) == pytest.approx(want)


def test_end_stops_the_program(distribution):
    text = "qubit[2] q; bit a; bit b; h q[0]; a = measure q[0]; x q[1]; if (a) end; b = measure q[1];"
    assert dist(distribution, text) == pytest.approx({"0 1": 0.5, "1 0": 0.5})
    assert dist(distribution, "qubit q; bit b; end; x q; b = measure q;") == fixed("0")


# -- subroutines -----------------------------------------------------------------------------------------------------


def test_subroutine_measures_and_returns(distribution):
    text = (
        "def parity(qubit[2] d, qubit a) -> bit { reset a; cx d[0], a; cx d[1], a; return measure a; }"
        "qubit[2] d; qubit a; bit s; x d[0]; s = parity(d, a);"
    )
    assert dist(distribution, text) == fixed("1")


def test_early_return_on_a_measured_bit(distribution):
    text = (
        'def f(qubit[2] q) -> bit[2] { bit a = measure q[0]; if (a) { return "10"; } x q[1];'
        " bit b = measure q[1]; bit[2] r; r[0] = b; return r; }"
        "qubit[2] q; bit[2] c; bit z; h q[0]; c = f(q); z = measure q[1];"
    )
    assert dist(distribution, text) == pytest.approx({"0 10": 0.5, "1 01": 0.5})


def test_subroutine_with_classical_parameters(distribution):
    text = (
        "def turn(qubit q, int n, angle a) { for int i in [1:n] { rx(a) q; } }"
        "def twice(int n) -> int { return 2 * n; } qubit q; bit c; turn(q, twice(2), pi / 4); c = measure q;"
    )
    assert dist(distribution, text) == fixed("1")


def test_arguments_are_copies_and_mutable_arrays_are_not(distribution):
    text = (
        "def f(bit[2] b, mutable array[int[8], 2] a) { b[0] = 1; a[1] = 7; } bit[2] c; array[int[8], 2] a = {1, 2};"
        "f(c, a); output uint[4] r; output bit[2] d; d = c; r = uint[4](a[0] + a[1]);"
    )
    assert dist(distribution, text) == fixed("00 1000")


def test_subroutine_called_under_a_condition(distribution):
    text = (
        "def flip(qubit q) -> bit { x q; return measure q; } qubit[2] q; bit a; bit b;"
        "h q[0]; a = measure q[0]; if (a) b = flip(q[1]);"
    )
    assert dist(distribution, text) == pytest.approx({"0 0": 0.5, "1 1": 0.5})


def test_nested_subroutines_and_globals(distribution):
    text = (
        "const int n = 2; def inner(qubit q) { for int i in [1:n] { s q; } } def outer(qubit q) { h q; inner(q); h q; }"
        "qubit q; bit c; outer(q); c = measure q;"
    )
    assert dist(distribution, text) == fixed("1")


# -- qubits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "key"),
    [
        ("x q;", "1111"),
        ("x q[1];", "0010"),
        ("x q[-1];", "1000"),
        ("x q[1:2];", "0110"),
        ("x q[0:2:3];", "0101"),
        ("x q[3:-1:2];", "1100"),
        ("x q[{0, 3}];", "1001"),
        ("x q[:1];", "0011"),
        ("x q[2:];", "1100"),
        ("let a = q[1:3]; x a[0];", "0010"),
        ("let a = q[0:1] ++ q[3]; x a;", "1011"),
        ("let a = q[{3, 0}]; x a[0];", "1000"),
        ("x q[0]; cx q[0], q[1:3];", "1111"),
        ("x q[0:1]; cx q[0:1], q[2:3];", "1111"),
        ("x q; reset q[1:2];", "1001"),
        ("x q[0]; swap q[0], q[3];", "1000"),
        ("x $0; swap $0, q[2];", "0100"),
        ("let a = q; let b = a[2:3]; x b[1];", "1000"),
    ],
)
def test_slices_aliases_and_broadcasting(statement, key, distribution):
    assert dist(distribution, f"qubit[4] q; {statement} bit[4] c = measure q;") == fixed(key)


def test_alias_of_bits_writes_through(distribution):
    text = "qubit q; bit[4] c; let d = c[1:2]; x q; d[1] = measure q; d[0] = 1; if (d == 3) c[0] = 1;"
    assert dist(distribution, text) == fixed("0111")


def test_measurement_forms(distribution):
    text = "qubit[3] q; bit[3] c; bit d; x q[0]; x q[2]; measure q -> c; measure q[0] -> d; measure q[1];"
    assert dist(distribution, text) == fixed("1 101")
    text = "qubit[3] q; bit[3] c; x q[0]; x q[2]; c[2] = measure q[0]; c[0:1] = measure q[1:2];"
    assert dist(distribution, text) == fixed("110")


def test_registers_print_last_declared_first_and_highest_bit_first(read, distribution):
    text = HEAD + "qubit[2] q; bit[2] a; bit b; x q[0]; a = measure q; b = measure q[0];"
    outputs = read(text).outputs
    assert [(o.name, o.bits, o.descending) for o in outputs] == [("b", ("b",), True), ("a", ("a_1", "a_0"), True)]
    assert distribution(text) == fixed("1 01")


def test_bits_never_written_print_zero_and_programs_without_bits_print_nothing(distribution):
    assert dist(distribution, "qubit q; bit[2] c; x q;") == fixed("00")
    assert dist(distribution, "qubit q; x q;") == fixed("")
    assert dist(distribution, "") == fixed("")
    assert dist(distribution, "bit[2] c; bit d;") == fixed("0 00")


def test_initialisers(distribution):
    text = 'qubit q; bit[4] c = "0101"; bit d = 1; bit[2] e; e = "10"; c[3] = true;'
    assert dist(distribution, text) == fixed("10 1 1101")


def test_outputs_replace_the_other_registers(distribution):
    text = "qubit[2] q; bit[2] c; output bit r; x q[1]; c = measure q; r = c[1];"
    assert dist(distribution, text) == fixed("1")


def test_delay_and_box_keep_order_and_warn(findings):
    text = HEAD + "qubit q; box [1us] { x q; delay[100ns] q; } duration d = 2 * 10ns; delay[d] q;"
    assert [f.rule for f in findings(text)] == ["QASM3-024"] * 3


def test_version_is_optional_and_old_registers_are_read(distribution):
    assert distribution('include "stdgates.inc"; qubit q; bit c; x q; c = measure q;') == fixed("1")
    assert distribution("OPENQASM 3.1; qreg q[2]; creg c[2]; U(pi, 0, pi) q[1]; measure q -> c;") == fixed("10")
