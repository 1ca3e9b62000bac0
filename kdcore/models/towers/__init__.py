"""Two towers that start from a pretrained encoder."""
