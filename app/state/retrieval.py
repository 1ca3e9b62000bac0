"""Choices of the Retrieval page."""

from dataclasses import dataclass

from app.state.kinds import choice, text, whole

SIZES = ("20000", "100000", "1000000")


@dataclass(frozen=True)
class Retrieval:
    """The open part, the query, filters, the index and its effort, the ads' number, both cuts."""

    tab: str = choice("ftab", "search", ("search", "recall", "funnel", "twin", "storage"))
    query: int = whole("fq", 0, 0, 10_000, belongs_to="data")
    typed: str = text("ftext", "", 200, belongs_to="data")  # in the place of the query
    only: str = text("fonly", "", 100, belongs_to="data")  # COLUMN=VALUE that ads must have
    blocked: str = text("fblock", "", 200)  # words with commas between that no ad may have
    k: int = whole("fk", 10, 1, 20)
    index: str = choice("findex", "lists", ("lists", "graph", "bytes", "bits"))
    effort: int = whole("feffort", 1, 0, 4)  # the place in the row of efforts, the least first
    size: str = choice("fsize", SIZES[0], SIZES, belongs_to="data")  # ads of the world
    candidates: int = whole("fcut", 100, 1, 200)
    reordered: int = whole("forder", 50, 0, 200)
