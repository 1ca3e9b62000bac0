"""The k largest logits of a masked-word teacher on disk, and what a student learns from them."""
