"""The operator's line to a running daemon: tenants and tokens. Only the user who runs the daemon gets through."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from qmk.client import calls
from qmk.client.drive import drive
from qmk.client.sync import SocketLink
from qmk.rpc.op_metrics import DESK_METHODS
from qmk.rpc.places import operator_path, short_name


class Operator:
    """Calls the daemon of ``data_dir`` (by default the one of ``qmk serve``), one connection a call.

    ``call("op_tenant_list")`` gives the call's ``Reply``. Raises ``QmkError``: CONNECTION_LOST when no daemon runs,
    AUTH_FAILED for another user, and what the call's page lists.
    """

    def __init__(self, data_dir: str | os.PathLike[str] | None = None) -> None:
        self.path = operator_path(Path(data_dir) if data_dir is not None else None)

    def call(self, name: str, /, **params: Any) -> Any:
        """One of the operator's calls by name, its parameters by name."""
        call = DESK_METHODS[name]
        line = calls.line_of([1], [(call, call.request(**params))])
        link = SocketLink()
        try:
            with short_name(self.path) as short:
                drive(link.open(short))
        except OSError as error:
            raise calls.not_running(self.path, error) from error
        try:
            return calls.reply_of(call, drive(link.exchange([1], line))[0])
        except (ConnectionError, EOFError) as error:
            raise calls.connection_lost(self.path, call) from error
        finally:
            link.close()
