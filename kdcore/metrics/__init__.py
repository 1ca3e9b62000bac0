"""Metrics as pure NumPy functions, one family per file; definitions.py declares them."""
