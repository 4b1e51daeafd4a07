"""What runs in a virtual machine: its first process, and the worker that it starts."""
