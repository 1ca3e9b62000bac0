"""Browser parts of the temperature page."""
