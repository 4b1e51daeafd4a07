"""The REST API under ``/v1``, made from the operations of ``gateway.service``."""
