"""Data: what the pairs can show, scoring them, and bringing pairs or predictions."""
