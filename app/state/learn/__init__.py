"""Choices of the pages of section Learn."""
