"""The process round the kernel: transport, journal, workers, clock. The only room that links kernel and router."""
