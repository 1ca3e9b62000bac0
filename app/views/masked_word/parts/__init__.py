"""Browser parts of the masked word page."""
