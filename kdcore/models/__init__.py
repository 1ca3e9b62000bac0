"""Teachers and students: every model reads a batch of pairs and returns Outputs."""
