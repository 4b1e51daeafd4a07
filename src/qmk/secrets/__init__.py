"""Secrets by reference: where a key, a password or a token is kept, and never the secret itself.

``read(reference)`` reads one; ``store`` is a sealed file of ours; ``redaction`` keeps what was read out of logs.
"""

from qmk.secrets.references import KINDS, Reference, parse, read

__all__ = ["KINDS", "Reference", "parse", "read"]
