"""A cluster as a launcher: slots on other machines, each a local pool of one launch, that outlive the daemon."""
