"""How far one kernel goes: launches a second of a daemon, and a queue of a million jobs on a thousand slots."""
