"""Turns what a caller asks for into a request: the program as a graph, with its noise, its device and its machine, and
the values that the run shall give. The command line, runs in this process and both clients build their requests here.
Nothing here runs a program or talks to a daemon."""
