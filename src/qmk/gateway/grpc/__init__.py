"""The operations of the service as gRPC, in the package ``qmk.v1``."""
