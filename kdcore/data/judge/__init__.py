"""Pairs judged by a language model elsewhere: prompts written to a file, answers read back."""
