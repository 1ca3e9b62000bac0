"""Score many pairs in shards of rows, by several processes or machines."""
