"""Masked word: which words two language models write in the gap of a sentence."""
