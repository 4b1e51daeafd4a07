"""Every rewrite, as the router takes them before it runs a program: the least predicted time."""

from qmk.passes.native_passes import native_pass

PASS = native_pass("full", "every rewrite: the least predicted time")
