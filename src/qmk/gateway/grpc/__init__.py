"""The operations of the service as gRPC, in the package ``qmk.v1``."""

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
"""It would say on standard error that it cannot follow a fork; our children become other programs at once."""
