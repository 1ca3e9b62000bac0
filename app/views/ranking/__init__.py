"""Ranking: nDCG over depth, label density, the lists of one query, and the ad auction."""
