"""Browser parts of the Retrieval page."""
