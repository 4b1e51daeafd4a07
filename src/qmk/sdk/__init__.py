"""What plug-ins are written against: the program form engines run, the engine and front-end protocols, the
worker loop, discovery, and the conformance kits. User mode; numpy is allowed, frameworks are not."""
