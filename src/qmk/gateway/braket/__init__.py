"""Amazon Braket: its devices, the programs of its SDK, its task results, and the REST calls that carry them."""
