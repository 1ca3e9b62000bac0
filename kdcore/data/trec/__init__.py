"""TREC's files and BEIR's: qrels, queries and documents as pairs, and pairs as such files."""
