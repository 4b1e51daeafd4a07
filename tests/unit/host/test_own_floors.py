"""Engines that have a floor of their own, whoever asks: native code of users, and plug-ins that are not QMK's own."""

from __future__ import annotations

import pytest
from msgspec import structs

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.engines.reference import DECLARATION
from qmk.host.isolation.capability import Capability
from qmk.host.isolation.policy import Isolation
from qmk.host.routing import Routing
from qmk.request.scripts import script_program
from qmk.sdk import discovery
from qmk.sdk.kit.builder import Builder

STRANGE = structs.replace(DECLARATION, name="strange")
NATIVE = discovery.engine("python")


def has(*levels: Level) -> Isolation:
    return Isolation(None, lambda level: Capability(level, level in levels, "the kernel is too old"), "jail")


def test_a_plug_in_of_others_has_a_jail_unless_the_operator_trusts_all_code() -> None:
    assert has("jail").level_for("strange", STRANGE) == "jail"
    with pytest.raises(QmkError, match="below isolation level 'jail', and 'jail' is not available here: the kernel"):
        has().level_for("strange", STRANGE)
    assert has().level_for("reference", DECLARATION) == "process"
    assert has().level_for("strange", None) == "process"  # configuration names it with its path
    trusts_all = Isolation("process", lambda level: Capability(level, True), "process")
    assert trusts_all.level_for("strange", STRANGE) == "process"
    assert Isolation().level_for("strange", STRANGE) == "process"  # a run of the caller's own


def test_native_code_of_users_has_one_even_then() -> None:
    trusts_all = Isolation("process", lambda level: Capability(level, level == "jail", "no"), "process")
    assert trusts_all.level_for("python", NATIVE) == "jail"
    with pytest.raises(QmkError, match="below isolation level 'jail'"):
        Isolation().level_for("python", NATIVE)


def test_the_router_refuses_what_is_named_and_leaves_out_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    routing = Routing(1 << 30, 2, {}, isolation=has())
    with pytest.raises(QmkError, match="below isolation level 'jail', and 'jail' is not available here"):
        routing.choose(script_program("result = 1"), "a", 1, "python:native")
    assert routing.choose(Builder(1).op("x", 0).measure_all().graph(), "b", 10, None).engine != "python"
    monkeypatch.setattr(routing.isolation, "own_floor", lambda engine, declaration: "jail")
    with pytest.raises(QmkError, match="below isolation level 'jail'"):
        routing.choose(Builder(1).op("x", 0).measure_all().graph(), "c", 10, None)
