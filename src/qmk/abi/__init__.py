"""The qSyscall ABI: JSON-RPC 2.0 frames to typed calls and back. No sockets, no kernel state."""
