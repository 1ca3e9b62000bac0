"""Error analysis pair by pair: outcomes, tags, filters, slices, counterfactuals, notes."""
