"""The epoch scheduler: ``decide(state, events) -> actions``, pure, and replayed bit for bit.

``messages`` says what goes in and out, ``plan`` decides. Between tenants: weighted fair share (``shares``); inside one:
priority with ageing, deadline, arrival (``order``); on the machine: slots, memory and regions (``capacity``).
"""
