"""Blobs as files: named by content, checked when read, kept once, written whole or as a draft that a sweep finds."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.host.blob_files import FileBlobs
from qmk.host.blobs import REMEMBERED


@pytest.fixture(params=[True, False], ids=["synced", "unsynced"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs", request.param)


def names(blobs: FileBlobs) -> list[str]:
    return [name for name, _ in blobs.list_blobs()]


def test_a_blob_is_named_by_its_content_and_kept_once(blobs: FileBlobs):
    name = blobs.put(b"content")
    assert name == hashlib.sha256(b"content").hexdigest()
    assert blobs.put(b"content") == name
    assert names(blobs) == [name]
    assert blobs.get(name) == b"content"
    assert blobs.path_of(name).stat().st_mode & 0o777 == 0o600


def test_a_tenant_cannot_tell_by_the_work_whether_another_has_put_the_same(blobs: FileBlobs):
    """What is there is written again, but for those who put it themselves."""

    def writes(tenant: str) -> bool:
        before = blobs.path_of(name).stat().st_ino
        kept = os.open(blobs.path_of(name), os.O_RDONLY)  # its number cannot be used again
        blobs.put(b"content", tenant)
        os.close(kept)
        return blobs.path_of(name).stat().st_ino != before

    name = blobs.put(b"content", "a")
    assert [writes(tenant) for tenant in ("a", "b", "b", "a", "", "")] == [False, True, False, False, True, True]
    for number in range(REMEMBERED):
        blobs.put(b"%d" % number, "a")
    assert [writes("b"), writes("a"), writes("a")] == [False, True, False]
    assert blobs.get(name) == b"content"


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


def test_what_is_deleted_is_gone_at_once(blobs: FileBlobs):
    name = blobs.put(b"content")
    assert blobs.has(name)
    assert blobs.delete(name)
    assert not blobs.delete(name)
    assert (blobs.has(name), names(blobs)) == (False, [])


def test_a_draft_of_a_crash_is_found_and_one_that_is_being_written_is_not(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
):
    (blobs.folder / "ab" / "77.1.draft").write_bytes(b"half")
    seen: list[tuple[int, int]] = []
    replace = Path.replace

    def look(draft: Path, target: Path) -> Path:
        seen.append(blobs.drafts(remove=True))
        return replace(draft, target)

    assert blobs.drafts(remove=False) == (1, 4)
    monkeypatch.setattr(Path, "replace", look)
    name = blobs.put(b"content")
    assert seen == [(1, 4)]
    assert blobs.get(name) == b"content"
    assert blobs.drafts(remove=False) == (0, 0)


def test_many_writers_of_the_same_content(blobs: FileBlobs):
    contents = [bytes([number % 5]) * 100_000 for number in range(40)]
    put: list[str] = []
    threads = [threading.Thread(target=lambda data=data: put.append(blobs.put(data))) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(put) == 40
    assert sorted(set(put)) == sorted(names(blobs))
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
