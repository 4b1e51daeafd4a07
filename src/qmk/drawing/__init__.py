"""Pictures as lists of marks, written as SVG by us and as PNG and PDF by Matplotlib."""
