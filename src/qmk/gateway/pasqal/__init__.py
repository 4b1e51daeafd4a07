"""Pasqal Cloud: batches of Pulser sequences, and what their configurations may ask for. ``device.json`` is Pulser's
MockDevice (pulser-core 1.9.1, Apache-2.0) without its XY channel."""
