"""The protocols that plug-ins implement, and how plug-ins are found. Read these files to write one.

``engine``, ``frontend`` and ``passes`` hold the protocols, ``discovery`` finds what follows them, ``interpreters``
finds engines in environments of their own, ``extension`` loads compiled modules without the framework round them, and
``kit`` proves that a plug-in is right. User mode; numpy is allowed, frameworks are not.
"""
