"""Export: a student that works without the lab, and its model card."""
