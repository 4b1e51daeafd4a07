"""``python -IS command_client.py SOCKET ARGUMENTS...``: a command of ``Commands`` with the streams of this process."""

import json
import os
import signal
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as forking:
    forking.connect(sys.argv[1])
    asked = {"arguments": sys.argv[2:], "folder": os.getcwd(), "environment": dict(os.environ)}
    socket.send_fds(forking, [json.dumps(asked).encode()], [0, 1, 2])
    command = int(forking.recv(100) or b"0")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda heard, _frame: os.kill(command, heard))
    status = int(forking.recv(100) or b"1")
os._exit(status if status >= 0 else 128 - status)
