"""Speed of each framework's adapter and integration against the framework's own fastest simulator."""
