"""Retrieval over two towers: vectors of ads, exact and approximate search, and what each loses."""
