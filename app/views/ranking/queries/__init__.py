"""What the ranking page computes, reads and caches."""
