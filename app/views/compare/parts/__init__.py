"""Browser parts of the compare page."""
