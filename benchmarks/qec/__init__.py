"""The logical-qubit machine measured: every command prints the bar beside the figure."""
