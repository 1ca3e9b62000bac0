"""What the map page computes, reads and caches."""
