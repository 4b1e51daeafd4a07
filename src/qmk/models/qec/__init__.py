"""Error correction: codes, their circuits, decoders, and what follows from them."""
