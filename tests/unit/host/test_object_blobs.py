"""Blobs in an object store: the store is a server of S3's protocol on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.host.blobs import Blobs, name_of
from qmk.host.config import HostConfig
from qmk.host.object_blobs import ObjectBlobs
from tests.objects import ObjectServer


@pytest.fixture
def blobs(objects: ObjectServer) -> ObjectBlobs:
    return ObjectBlobs(objects.bucket("some/place"))


def test_a_blob_is_named_by_its_content_and_kept_once(blobs: ObjectBlobs, objects: ObjectServer) -> None:
    kept: Blobs = blobs
    content = bytes(range(256)) * 50
    name = kept.put(content)
    assert name == name_of(content)
    assert kept.put(content) == name
    assert (kept.get(name), kept.has(name)) == (content, True)
    assert [(blob.name, blob.size_bytes) for blob in kept.list_blobs()] == [(name, len(content))]
    assert objects.keys(blobs.url) == [f"some/place/{name[:2]}/{name[2:]}"]
    assert kept.drafts(remove=True) == (0, 0)
    assert kept.delete(name)
    assert not kept.delete(name)
    assert not kept.has(name)


def test_all_pages_of_a_long_list_are_read(blobs: ObjectBlobs) -> None:
    names = {blobs.put(f"{number}".encode()) for number in range(1010)}  # a page has 1,000
    assert {blob.name for blob in blobs.list_blobs()} == names


def test_what_is_missing_or_damaged_is_told(blobs: ObjectBlobs, objects: ObjectServer) -> None:
    name = blobs.put(b"content")
    objects.write(blobs.url, f"{name[:2]}/{name[2:]}", b"CONTENT")
    with pytest.raises(QmkError, match="is damaged: its content does not match its name"):
        blobs.get(name)
    objects.write(blobs.url, f"{name[:2]}/{name[2:]}", b"")
    assert blobs.put(b"content") == name
    assert blobs.get(name) == b"content"
    with pytest.raises(QmkError, match="is not in the store"):
        blobs.get(name_of(b"other"))
    with pytest.raises(QmkError, match="is not the name of a blob"):
        blobs.get("../../etc/passwd")


def test_a_store_that_refuses_or_is_gone_is_told_in_one_line(objects: ObjectServer) -> None:
    absent = ObjectBlobs("s3://nobody-has-made-it/place", patience_s=0.5)
    with pytest.raises(QmkError, match="cannot keep 1 bytes in s3://nobody-has-made-it/place: ") as refused:
        absent.put(b"x")
    assert "\n" not in refused.value.message
    url = objects.bucket("gone")
    objects.stop()
    gone = ObjectBlobs(url, patience_s=0.5)
    with pytest.raises(QmkError, match="cannot look into s3://") as refused:
        gone.has(name_of(b"x"))
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("url", ["s3://", "ftp://box/place", "s3://key:secret@box/place", "box/place", "s3://box/?a=b"])
def test_what_names_no_place_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(QmkError, match="names no place in an object store"):
        HostConfig(data_dir=tmp_path, database="postgresql://db/qmk", blobs=url)


def test_a_journal_in_a_file_has_its_blobs_beside_it(tmp_path: Path) -> None:
    with pytest.raises(QmkError, match="goes with a database"):
        HostConfig(data_dir=tmp_path, blobs="s3://box/place")
