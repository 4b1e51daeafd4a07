"""Holds a process in a jail of the Linux kernel: namespaces, a root of its own, Landlock, seccomp and limits. No root
is needed, and no library but the C library."""
