"""A server of S3's protocol on this machine, as moto has one."""

from __future__ import annotations

import itertools
import logging
import urllib.request
import xml.etree.ElementTree as ElementTree

import obstore
from obstore.store import from_url

NUMBERS = itertools.count(1)


class ObjectServer:
    """``variables`` are what lets ``obstore`` reach it."""

    def __init__(self) -> None:
        from moto.moto_server.threaded_moto_server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        _, port = self._server.get_host_and_port()
        self._at = f"http://127.0.0.1:{port}"
        self.variables = {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self._at,
            "AWS_ALLOW_HTTP": "true",
        }

    def stop(self) -> None:
        self._server.stop()

    def bucket(self, prefix: str) -> str:
        """The URL of a place in a new bucket."""
        name = f"box-{next(NUMBERS)}"
        self.make_bucket(name)
        return f"s3://{name}/{prefix}"

    def make_bucket(self, name: str) -> None:
        self._ask("PUT", f"/{name}")

    def write(self, url: str, path: str, content: bytes) -> None:
        obstore.put(from_url(url), path, content)

    def keys(self, url: str) -> list[str]:
        """The keys of all objects in the bucket."""
        listed = self._ask("GET", f"/{url.removeprefix('s3://').partition('/')[0]}?list-type=2")
        return [str(row.text) for row in ElementTree.fromstring(listed).iter() if row.tag.endswith("}Key")]

    def _ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(self._at + path, method=method)
        with urllib.request.urlopen(request) as answer:
            return answer.read()
