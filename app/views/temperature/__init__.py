"""Temperature: soft labels of one pair and of all pairs, at a temperature to drag."""
