"""Any bytes: calls or errors, never an exception, never more than one answer a call."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qmk.abi.calls import CALLS, METHODS
from qmk.rpc import frame
from qmk.rpc.splitter import FrameSplitter

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
FIELD_NAMES = sorted({name for call in CALLS for name in call.request.__struct_fields__})  # type: ignore[attr-defined]
PARAMS = st.dictionaries(st.sampled_from(FIELD_NAMES) | st.text(max_size=6), VALUES, max_size=5)
REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | VALUES, "method": st.sampled_from(sorted(METHODS)) | st.text(max_size=8)},
    optional={"id": st.integers() | st.text(max_size=5) | VALUES, "params": PARAMS | VALUES},
)


def check(data: bytes) -> None:
    decoded = frame.decode(data)
    assert decoded.calls
    assert decoded.batch or len(decoded.calls) == 1
    for call in decoded.calls:
        assert (call.error is None) == (call.call is not None) == (call.request is not None)
        if call.id is not None:
            reply = frame.error(call.id, call.error) if call.error else frame.result(call.id, {})
            assert json.loads(reply)["jsonrpc"] == "2.0"
            assert b"\n" not in reply


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    check(data)


@settings(max_examples=400, deadline=None)
@given(REQUESTS | st.lists(REQUESTS | VALUES, max_size=4) | VALUES, st.booleans())
def test_any_json(value: Any, ascii_only: bool) -> None:
    check(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@settings(max_examples=300, deadline=None)
@given(REQUESTS, st.data())
def test_damaged_requests(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value).encode()
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 4))
    check(text[:at] + data.draw(st.binary(max_size=4)) + text[at + cut :])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=12), max_size=12), st.integers(1, 20))
def test_chunking_does_not_change_the_frames(chunks: list[bytes], limit: int) -> None:
    data = b"".join(chunks)
    whole, parts = FrameSplitter(limit), FrameSplitter(limit)
    expected = whole.feed(data)
    assert [line for chunk in chunks for line in parts.feed(chunk)] == expected
    assert (whole.error is None) == (parts.error is None)
    assert all(len(line) <= limit and b"\n" not in line for line in expected)
    if whole.error is None:
        lines = data.split(b"\n")[:-1]
        assert expected == [line for line in lines if line.strip()]
