"""Retrieval: what separability buys, what a funnel of models loses, and where."""
