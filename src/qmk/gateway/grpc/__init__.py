"""The operations of the service as gRPC, in the package ``qmk.v1``."""

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
"""gRPC says on standard error that it cannot follow a fork; a process of ours becomes another program at once."""
