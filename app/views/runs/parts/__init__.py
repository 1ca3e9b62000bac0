"""Browser parts of the runs page."""
