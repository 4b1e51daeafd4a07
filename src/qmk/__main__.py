"""``python -m qmk`` is the ``qmk`` command."""

from qmk.cli.main import main

main()
