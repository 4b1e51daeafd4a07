"""JSON-RPC frames of qSyscall, what each call refuses, and where a daemon and its clients meet."""
