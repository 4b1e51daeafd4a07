"""Levels of isolation on this host: what each needs, what the host has, and the processes that hold a worker in one."""
