"""What the compare page computes, reads and caches."""
