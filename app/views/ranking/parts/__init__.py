"""Browser parts of the ranking page."""
