"""Work that is cut into shards: files that are scored by several processes or machines."""
