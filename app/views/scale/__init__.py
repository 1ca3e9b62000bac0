"""Scale: how large the models of the deck are, and this lab's among them."""
