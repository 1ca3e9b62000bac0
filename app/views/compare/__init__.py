"""Compare: where a student differs from its teacher, pair by pair and in slices."""
