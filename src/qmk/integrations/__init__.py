"""QMK inside the tools of other frameworks, one module or package each."""
