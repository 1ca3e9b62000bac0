"""Offline HTML reports: a run as one page, with its curves."""
