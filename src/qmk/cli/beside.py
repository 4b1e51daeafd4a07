"""The gateway beside a daemon, as a process of its own: started again where it ends, and ended with the daemon.

The listening socket stays with the daemon's process, so that callers wait through a restart. The gateway's standard
input is a pipe from there: when the daemon ends, however it ends, so does the gateway.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

log = logging.getLogger("qmk.daemon")
FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 5.0
"""A gateway that was killed is started again after the first of them, one that ends by itself after growing pauses."""
LASTED_S = 10.0
"""One that ran for so long did not end because of how it is started."""
END_S = 10.0


class GatewayProcess:
    """``arguments`` are those of ``qmk gateway`` beside the socket, ``variables`` what its environment has besides
    ours: secrets are not for command lines."""

    def __init__(
        self, listening: socket.socket, arguments: Sequence[str], variables: Mapping[str, str] | None = None
    ) -> None:
        self._listening = listening
        self._environment = {**os.environ, **(variables or {})}
        command = [sys.executable, "-m", "qmk", "gateway", "--beside", str(listening.fileno())]
        self._command = [*command, *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="qmk-gateway", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _keep(self) -> None:
        delay_s = FIRST_DELAY_S
        while not self._ending.is_set():
            began_s = time.monotonic()
            fds = [self._listening.fileno()]
            with subprocess.Popen(
                self._command, stdin=subprocess.PIPE, pass_fds=fds, start_new_session=True, env=self._environment
            ) as self._process:
                code = self._process.wait() if not self._ending.is_set() else 0
            if self._ending.is_set():
                return
            log.error("the gateway ended with status %d; it is started again", code)
            lasted = time.monotonic() - began_s >= LASTED_S
            delay_s = FIRST_DELAY_S if code < 0 or lasted else min(2 * delay_s, LONGEST_DELAY_S)
            self._ending.wait(delay_s)

    def stop(self) -> None:
        """Lets the gateway answer what it is asked, and ends it."""
        self._ending.set()
        process = self._process
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._listening.close()


def end_with_input() -> None:
    """Has this process end once its standard input does: at once, for what it could still answer comes from a daemon
    that is gone, and the next one needs its address."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os._exit(0)

    threading.Thread(target=wait, name="qmk-stdin", daemon=True).start()
