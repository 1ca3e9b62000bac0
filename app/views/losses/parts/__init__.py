"""Browser parts of the Losses page."""
