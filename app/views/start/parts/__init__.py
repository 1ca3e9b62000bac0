"""Browser parts of the start page."""
