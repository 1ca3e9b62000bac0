"""The draft of a run as a form, as YAML, and as a sweep."""
