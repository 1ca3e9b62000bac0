"""Retrieval measured: search, teacher and truth over the same queries, stored as a study."""
