"""Predictions and labels in, metrics with intervals and comparisons out."""
