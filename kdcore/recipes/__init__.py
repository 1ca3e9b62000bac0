"""A stage a file, readable top to bottom."""
