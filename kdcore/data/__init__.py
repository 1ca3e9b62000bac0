"""Query-ad pairs: the table, where it comes from, how it is stored, checked and split."""
