"""Running a graph on one engine: the runner, the worker process, and what passes between it and its host."""
