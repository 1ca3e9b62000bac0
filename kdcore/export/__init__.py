"""Keeping a run: a student that works without the lab, its card, and a report of the run."""
