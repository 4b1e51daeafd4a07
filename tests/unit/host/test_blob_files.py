"""Blobs as files: named by content, checked when read, kept once, not taken away while they may yet be named."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.host.blob_files import GRACE_S, FileBlobs


class Clock:
    now_s = 1e9

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=[True, False], ids=["synced", "unsynced"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs", request.param, clock)


def test_a_blob_is_named_by_its_content_and_kept_once(blobs: FileBlobs):
    name = blobs.put(b"content")
    assert name == hashlib.sha256(b"content").hexdigest()
    assert blobs.put(b"content") == name
    assert list(blobs.names()) == [name]
    assert blobs.get(name) == b"content"
    assert blobs.path_of(name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"c0ntent", b"", b"content and more"])
def test_damage_names_the_blob_and_the_remedy(blobs: FileBlobs, content: bytes):
    name = blobs.put(b"content")
    blobs.path_of(name).write_bytes(content)
    with pytest.raises(QmkError, match=rf"the blob {name} in .* is damaged") as caught:
        blobs.get(name)
    assert caught.value.fields["blob"] == name
    assert "backup" in caught.value.fields["help"]


def test_a_missing_blob_is_told(blobs: FileBlobs):
    with pytest.raises(QmkError, match="is missing"):
        blobs.get("0" * 64)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, "A" * 64, "g" * 64])
def test_a_name_that_is_none_leads_nowhere(blobs: FileBlobs, name: str):
    for use in (blobs.get, blobs.delete, blobs.path_of):
        with pytest.raises(QmkError, match="is not the name of a blob"):
            use(name)


def test_a_damaged_blob_of_another_size_is_mended_by_putting_it_again(blobs: FileBlobs):
    name = blobs.put(b"content")
    blobs.path_of(name).write_bytes(b"cont")
    assert blobs.put(b"content") == name
    assert blobs.get(name) == b"content"


def test_what_was_put_lately_is_not_deleted(blobs: FileBlobs, clock: Clock):
    name = blobs.put(b"content")
    blobs.delete(name)
    assert blobs.get(name) == b"content"
    clock.now_s += GRACE_S + 1
    blobs.put(b"content")
    blobs.delete(name)
    assert blobs.get(name) == b"content", "putting it again is asking for it again"
    clock.now_s += GRACE_S + 1
    blobs.delete(name)
    blobs.delete(name)
    assert list(blobs.names()) == []


def test_many_writers_of_the_same_content(blobs: FileBlobs):
    contents = [bytes([number % 5]) * 100_000 for number in range(40)]
    names: list[str] = []
    threads = [threading.Thread(target=lambda data=data: names.append(blobs.put(data))) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 40
    assert sorted(set(names)) == sorted(blobs.names())
    assert all(blobs.get(name) == contents[index] for index, name in enumerate(map(hashed, contents[:5])))


def hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_folder_that_takes_no_more_is_told(blobs: FileBlobs):
    name = hashed(b"content")
    parent = blobs.path_of(name).parent
    parent.rmdir()
    parent.write_text("in the way")
    with pytest.raises(QmkError, match="cannot keep 7 bytes") as caught:
        blobs.put(b"content")
    assert caught.value.kind.name == "RESOURCE_EXHAUSTED"
