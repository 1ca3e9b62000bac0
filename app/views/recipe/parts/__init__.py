"""The browser parts of the Recipe page."""
