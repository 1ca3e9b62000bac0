"""Several processes that train one run: how they start, share a batch, and move the weights."""
