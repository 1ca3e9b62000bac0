"""Numbers people trust: pure NumPy functions, a family a file."""
