"""Browser parts of the distill page."""
