"""Measurements beside other frameworks, one module each."""
