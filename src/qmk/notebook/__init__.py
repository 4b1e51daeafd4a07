"""QMK in IPython and Jupyter: the magics ``%%qmk`` and ``%qmk``, which ``%load_ext qmk`` loads."""
