"""Chunks to frames."""

from __future__ import annotations

from qmk.rpc.splitter import FrameSplitter


def test_frames_are_lines_whatever_the_chunks() -> None:
    data = b'{"a":1}\n\n  \r\n{"b":2}\r\n[3]\nrest'
    whole = FrameSplitter().feed(data)
    bytewise = FrameSplitter()
    single = [line for at in range(len(data)) for line in bytewise.feed(data[at : at + 1])]
    assert whole == single == [b'{"a":1}', b'{"b":2}\r', b"[3]"]
    assert bytewise.pending_bytes == len(b"rest")


def test_a_frame_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    at_limit = FrameSplitter(limit=8)
    assert at_limit.feed(b"12345678\n") == [b"12345678"]
    over = FrameSplitter(limit=8)
    assert over.feed(b"ok\n123456789") == [b"ok"]
    assert over.error is not None
    assert over.error.fields["quota"] == "frame_bytes"
    assert over.pending_bytes == 0
    assert over.feed(b"\nmore\n") == []


def test_an_overlong_frame_is_noticed_before_its_end() -> None:
    splitter = FrameSplitter(limit=100)
    for _ in range(10):
        assert splitter.feed(b"x" * 10) == []
    assert splitter.error is None
    splitter.feed(b"x")
    assert splitter.error is not None


def test_frames_before_an_overlong_one_in_the_same_chunk_are_kept() -> None:
    splitter = FrameSplitter(limit=4)
    assert splitter.feed(b"a\nb\n12345\nc\n") == [b"a", b"b"]
    assert splitter.error is not None
