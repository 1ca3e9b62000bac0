"""From texts to token ids: WordPiece, and letter trigrams."""
