"""What the runs page computes, reads and caches."""
