"""Browser parts of the data page."""
