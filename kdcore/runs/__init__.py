"""Runs: a folder each, who may write in it, and how it is started and stopped."""
