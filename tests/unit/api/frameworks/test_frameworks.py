"""A library that is not there is named, with what installs it."""

from __future__ import annotations

import sys

import pytest

import qmk
from qmk.base.errors import QmkError

TEXT = 'OPENQASM 3.0; include "stdgates.inc"; input float a; qubit q; ry(a) q;'


@pytest.mark.parametrize(("way", "module"), [("jax", "jax"), ("torch", "torch"), ("autograd", "autograd.extend")])
def test_a_missing_library_is_named(way: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(QmkError, match=f"{way} is not installed") as refused:
        getattr(qmk.value_and_grad(TEXT, "Z"), way)()
    assert refused.value.fields["help"] == f"pip install '{way}'"
