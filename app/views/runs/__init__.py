"""Runs: a table of runs, side by side, on parallel axes, by cost, as sweeps."""
