"""Scenarios of machines over time, and the benchmark that runs them."""
