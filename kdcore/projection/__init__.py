"""Maps of features: two spaces drawn side by side, and how much of each a drawing keeps."""
