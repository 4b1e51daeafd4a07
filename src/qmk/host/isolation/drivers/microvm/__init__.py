"""Level ``microvm``: a worker in a virtual machine with a kernel of its own, which QEMU runs."""
