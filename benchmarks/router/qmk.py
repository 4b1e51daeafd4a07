"""QMK itself, in the same harness as its peers: text in, counts out, nothing kept from one call to the next."""

from __future__ import annotations
