"""The engine of KD Lab: from query-ad pairs to a distilled student."""
