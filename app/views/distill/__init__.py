"""Distill: a student is configured, queued, watched and judged."""
