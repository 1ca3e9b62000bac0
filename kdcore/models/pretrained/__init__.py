"""Pretrained encoders and heads, from a folder or a model hub."""
