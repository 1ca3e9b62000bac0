"""Where pairs come from: a source per file, behind one registry."""
