"""Predictions made elsewhere: read from a file, aligned with pairs, and stored."""
