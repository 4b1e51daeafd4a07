"""What no shown bit depends on is left out."""

from qmk.passes.native_passes import native_pass

PASS = native_pass("dead", "leave out what nothing reads", ("dead",))
