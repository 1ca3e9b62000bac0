"""Table files of every kind, read as rows of cells."""
