"""What the distill page computes, reads and caches."""
