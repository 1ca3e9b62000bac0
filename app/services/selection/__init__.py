"""Which pairs of a board Compare has selected, by filters, by a slice, or picked on a map."""
