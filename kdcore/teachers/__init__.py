"""Where the teacher's Outputs come from."""
