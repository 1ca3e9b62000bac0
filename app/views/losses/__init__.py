"""Losses: what each way to distill rewards, on a real pair, a query's ads, or vectors."""
