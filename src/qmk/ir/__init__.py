"""The form of programs that engines run, and how a verified graph becomes it: lowering, gate synthesis,
conditions, noise, losses."""
