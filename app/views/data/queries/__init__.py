"""What the data page computes, reads and caches."""
