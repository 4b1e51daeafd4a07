"""Worker wire: messages survive any chunking, and what is no message is refused."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmk.worker.messages import Failed, FromWorker, Ready, Run, RunProgress, Stop, ToWorker
from qmk.worker.wire import MESSAGE_BYTES, Channel, Unframer, WireError, frame

MESSAGES = [
    Ready("stabilizer", "1.16", 7),
    RunProgress(3, 500),
    Failed(3, "UNSUPPORTED", "no", {"gaps": [1, {"a": None}]}),
    Failed(4, "JOB_FAILED", "x" * 70_000),
]


@given(st.lists(st.integers(1, 5000), max_size=60))
def test_any_chunking_gives_the_same_messages(cuts: list[int]):
    data = b"".join(frame(message) for message in MESSAGES)
    unframer: Unframer[FromWorker] = Unframer(FromWorker)
    heard: list[FromWorker] = []
    at = 0
    for cut in [*cuts, len(data)]:
        heard += unframer.feed(data[at : at + cut])
        at += cut
    heard += unframer.feed(data[at:])
    assert heard == MESSAGES


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused_or_waited_for(body: bytes):
    unframer: Unframer[ToWorker] = Unframer(ToWorker)
    data = struct.pack("<I", len(body)) + body
    try:
        messages = unframer.feed(data)
    except WireError:
        return
    assert all(isinstance(message, (Run, Stop)) for message in messages)


def test_a_length_over_the_bound_is_refused_before_its_bytes_come():
    with pytest.raises(WireError, match="exceeds"):
        Unframer(ToWorker).feed(struct.pack("<I", MESSAGE_BYTES + 1))


def test_a_channel_gives_messages_one_by_one_and_none_at_the_end():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel: Channel[ToWorker] = Channel(ours, ToWorker)
        run = Run(1, "d", b"\0graph", "", 100, 2**63 - 1)
        theirs.sendall(frame(run) + frame(Stop()))
        theirs.shutdown(socket.SHUT_WR)
        assert channel.receive() == run
        assert channel.receive() == Stop()
        assert channel.receive() is None
        channel.send(RunProgress(1, 2))
        assert Unframer(FromWorker).feed(theirs.recv(100)) == [RunProgress(1, 2)]
