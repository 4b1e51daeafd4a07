"""What engines of providers share: credentials by reference, HTTP with bounds, and a task that is sent only once.

An engine of a provider declares ``Declaration.devices`` and no methods, so that no router chooses it: a user names it
with a device, ``engine="ionq:qpu.forte-1"``. Its ``prepare`` gives a ``plan.CloudPlan`` over a ``task.Device``.
"""
