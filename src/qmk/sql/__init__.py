"""Databases in SQL that both the daemon and the gateway keep something in: how each is spoken to."""
