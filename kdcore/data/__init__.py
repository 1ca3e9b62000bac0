"""Where pairs come from: a source a file, each giving a PairTable."""
