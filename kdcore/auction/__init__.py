"""The ad auction, and what the weight of defects costs."""
