"""Blobs in an object store, ``<prefix>/ab/cdef...``: what daemons on several hosts share.

The store is S3 or whatever speaks its protocol, Google Cloud Storage, or Azure: ``obstore`` knows them by the URL, and
finds credentials and endpoints in the variables that the providers' own tools read, such as ``AWS_ACCESS_KEY_ID`` and
``AWS_ENDPOINT_URL``. An object is there whole or not at all, and durable once its ``put`` has been answered.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from qmk.base.errors import QmkError
from qmk.host.blobs import Found, PutLately, is_name, missing, name_of

SCHEMES = ("s3", "gs", "az")
PATIENCE_S = 60.0
"""How long a store that does not answer is asked again."""
_URL = re.compile(rf"({'|'.join(SCHEMES)})://[^/\s?#@]+(/[^\s?#]*)?")


def check_url(url: str) -> str:
    """The URL, if it names a place in an object store. Raises INVALID_PARAMS."""
    if _URL.fullmatch(url) is None:
        fix = "such as s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX, without credentials"
        raise QmkError("INVALID_PARAMS", f"'{url[:200]}' names no place in an object store", help=fix)
    return url.rstrip("/")


class ObjectBlobs:
    """See the module and ``blobs.Blobs``. Safe to call from several threads and processes.

    Raises RESOURCE_EXHAUSTED when the store does not answer for ``patience_s`` or refuses, INTERNAL_ERROR naming the
    blob when it is missing or its content is no longer that of its name, UNSUPPORTED without the package.
    """

    def __init__(self, url: str, patience_s: float = PATIENCE_S) -> None:
        self.url = check_url(url)
        try:
            import obstore
        except ImportError as error:
            fix = "install it with: pip install 'quantum-microkernel[server]'"
            raise QmkError("UNSUPPORTED", "blobs in an object store need the package obstore", help=fix) from error
        self._library: Any = obstore
        self._put_lately = PutLately()
        retries: Any = {"max_retries": 1000, "retry_timeout": timedelta(seconds=patience_s)}
        with self._telling("open"):
            self._store: Any = obstore.store.from_url(self.url, retry_config=retries)

    @contextmanager
    def _telling(self, what: str) -> Generator[None]:
        """Has an error say what could not be done, and in one line why."""
        try:
            yield
        except (self._library.exceptions.BaseError, OSError, ValueError) as error:
            why = str(error).partition("\n")[0].rstrip(" -")
            fix = "check the store, its URL and the variables with its credentials, such as AWS_ACCESS_KEY_ID"
            raise QmkError("RESOURCE_EXHAUSTED", f"cannot {what} {self.url}: {why[:500]}", help=fix) from error

    def _path(self, name: str) -> str:
        if not is_name(name):
            raise QmkError("INTERNAL_ERROR", f"'{name[:80]}' is not the name of a blob", blob=name[:80])
        return f"{name[:2]}/{name[2:]}"

    def put(self, data: bytes, tenant: str = "") -> str:
        """Keeps ``data``, and gives its name. One of another size is damaged, and written anew."""
        name = name_of(data)
        if not self._put_lately.note(tenant, name) or self._size(name) != len(data):
            with self._telling(f"keep {len(data)} bytes in"):
                self._library.put(self._store, self._path(name), data)
        return name

    def _size(self, name: str) -> int | None:
        with self._telling("look into"):
            try:
                return self._library.head(self._store, self._path(name))["size"]
            except FileNotFoundError:
                return None

    def get(self, name: str) -> bytes:
        """The content, checked against its name."""
        with self._telling("read from"):
            try:
                data = bytes(self._library.get(self._store, self._path(name)).bytes())
            except FileNotFoundError:
                raise missing(name) from None
        if name_of(data) != name:
            raise QmkError(
                "INTERNAL_ERROR",
                f"the blob {name} in {self.url} is damaged: its content does not match its name",
                blob=name,
                retryable=False,
                help="restore this object from a version or a copy of the store",
            )
        return data

    def delete(self, name: str) -> bool:
        if not self.has(name):
            return False
        with self._telling("delete from"):
            self._library.delete(self._store, self._path(name))
        return True

    def has(self, name: str) -> bool:
        return self._size(name) is not None

    def list_blobs(self) -> Iterator[Found]:
        with self._telling("list"):
            for page in self._library.list(self._store):
                for row in page:
                    name = row["path"].replace("/", "")
                    if is_name(name):
                        yield Found(name, row["size"])

    def drafts(self, remove: bool) -> tuple[int, int]:
        """None: an object is there whole or not at all."""
        return 0, 0
