"""What the Losses page computes: values of losses, vectors in two dimensions."""
