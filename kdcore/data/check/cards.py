"""Show the data check as cards: a number, a small histogram, and its meaning."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kdcore.data.check.report import DataReport, SplitReport, check, word_counts
from kdcore.data.pairs import ALL, PairTable, part_of

DEPTH = 5  # of the nDCG that the card names
COARSE = 0.02  # a visible ROC-AUC difference above this calls for more pairs
_SMALLEST = "Detectable difference"


@dataclass(frozen=True)
class DataCard:
    """One number of the check. bars: (label, count); odd: a person should look at it."""

    key: str
    title: str
    value: str
    detail: str
    definition: str
    bars: tuple[tuple[str, float], ...] = ()
    odd: bool = False


@dataclass(frozen=True)
class Standing:
    """The check of a whole data set, and of the part that is shown."""

    whole: PairTable
    part: PairTable
    report: DataReport
    seen: SplitReport
    rejected: int

    @property
    def findings(self) -> tuple[str, ...]:
        """Sentences on what is unusual, those of the part first."""
        return self.report.findings


def standing(whole: PairTable, split: str, rejected: int = 0) -> Standing:
    """Check a table and one split of it, or "all"; a million pairs take seconds."""
    report, part = check(whole), part_of(whole, split)
    seen = next((s for s in report.splits if s.split == split), None)
    if seen is None:
        one_split = check(part.with_splits(["test"] * len(part)))
        seen = replace(one_split.splits[0], split=ALL)
    return Standing(whole, part, report, seen, rejected)


def data_cards(on: Standing) -> list[DataCard]:
    """Make the cards, the most basic ones first."""
    return [
        _rows(on),
        _queries(on),
        _ads(on),
        _prior(on),
        _lengths(on),
        _languages(on),
        _duplicates(on),
        _leaks(on),
        _rejected(on),
        _blanks(on),
        _chance(on),
        _smallest(on),
    ]


def _rows(on: Standing) -> DataCard:
    bars = tuple((s.split, float(s.pairs)) for s in on.report.splits)
    detail = f"of {on.report.pairs:,} in all" if len(bars) > 1 else "in one split"
    definition = "Query-ad pairs of this split; the bars are the splits of the data set."
    return DataCard("rows", "Rows", f"{on.seen.pairs:,}", detail, definition, bars)


def _queries(on: Standing) -> DataCard:
    definition = (
        "Different queries. Only one with two different grades separates a good order from a bad "
        "one."
    )
    detail = f"{on.seen.rankable:,} with two different grades"
    cannot = float(on.seen.queries - on.seen.rankable)
    bars = (("can be ranked", float(on.seen.rankable)), ("cannot", cannot)) if cannot else ()
    odd = on.seen.rankable < on.seen.queries / 2
    return DataCard("queries", "Queries", f"{on.seen.queries:,}", detail, definition, bars, odd)


def _ads(on: Standing) -> DataCard:
    spread, sizes = on.seen.ads_per_query, np.bincount(on.part.query_ids)
    detail = f"median; 90 % have {spread.p90:g} or fewer, the most is {spread.high:g}"
    definition = "Ads of one query. Metrics at k need more than k of them to mean much."
    return DataCard(
        "ads",
        "Ads per query",
        f"{spread.median:g}",
        detail,
        definition,
        histogram(sizes),
        spread.median < 3,
    )


def _prior(on: Standing) -> DataCard:
    shares, labelled = on.seen.label_shares, on.seen.pairs - on.seen.unlabelled
    if not labelled:
        definition = "These pairs are unlabelled: models can only be compared with each other."
        return DataCard("prior", "Label prior", "–", "no pair is labelled", definition, (), True)
    detail = "relevant: " + ", ".join(on.part.scheme.grades[on.part.scheme.relevant_from :])
    definition = (
        "Share of labelled pairs whose grade counts as relevant; a constant guess gets this far."
    )
    bars = tuple((grade, share * labelled) for grade, share in shares.items())
    odd = not 0.05 <= on.seen.prior <= 0.95
    return DataCard("prior", "Label prior", f"{on.seen.prior:.1%}", detail, definition, bars, odd)


def _lengths(on: Standing) -> DataCard:
    words = on.seen.words
    detail = f"words per title (median); query {words['query'].median:g}, "
    detail += f"description {words['description'].median:g}"
    definition = (
        "Words cut at blanks. A model reads a fixed number of tokens; what is longer is cut off."
    )
    counts = word_counts(on.part.frame["title"])
    value = f"{words['title'].median:g}"
    return DataCard("lengths", "Lengths", value, detail, definition, histogram(counts))


def _languages(on: Standing) -> DataCard:
    languages = on.seen.languages
    detail = ", ".join(f"{name} {n:,}" for name, n in list(languages.items())[:4])
    definition = "As the file says; a file without a language column is read as English."
    bars = tuple((name, float(n)) for name, n in list(languages.items())[:8])
    return DataCard("languages", "Languages", f"{len(languages)}", detail, definition, bars)


def _duplicates(on: Standing) -> DataCard:
    repeats, mixed = on.seen.duplicates, on.seen.conflicts
    definition = (
        "Rows that repeat an earlier one, and ads that carry two different grades for one query."
    )
    detail = f"rows repeat another; {mixed:,} ads carry two grades"
    value, odd = f"{repeats:,}", bool(repeats or mixed)
    return DataCard("duplicates", "Duplicates", value, detail, definition, (), odd)


def _leaks(on: Standing) -> DataCard:
    harmful = [s for s in on.report.shared if "log" not in s.splits]
    between = "; ".join(
        f"{s.queries:,} in {s.splits[0]} and {s.splits[1]}" for s in on.report.shared
    )
    detail = between or "no query is in two splits"
    definition = (
        "Queries that are in two splits, ignoring case and blanks: scores on them are too "
        "optimistic."
    )
    value = f"{sum(s.queries for s in harmful):,}"
    return DataCard("leaks", "Leaks across splits", value, detail, definition, (), bool(harmful))


def _rejected(on: Standing) -> DataCard:
    detail = "rows were left out at the import" if on.rejected else "every row was good"
    definition = "Rows that could not be read, each with its line, what was wrong and the cure."
    value, odd = f"{on.rejected:,}", bool(on.rejected)
    return DataCard("rejected", "Rejected rows", value, detail, definition, (), odd)


def _blanks(on: Standing) -> DataCard:
    detail = f"without a grade; {on.seen.empty_descriptions:,} without a description"
    definition = (
        "What a row leaves blank. Pairs without a grade count in no metric against the labels."
    )
    odd = bool(on.seen.unlabelled) or on.seen.empty_descriptions == on.seen.pairs
    return DataCard("blanks", "Blanks", f"{on.seen.unlabelled:,}", detail, definition, (), odd)


def _chance(on: Standing) -> DataCard:
    lines = {c.depth: c for c in on.seen.chance if c.gain == "exp2"}
    line = lines[DEPTH]
    definition = (
        "nDCG of a random order (exact mean), gain 2^grade − 1: no skill means this value, not 0."
    )
    if np.isnan(line.random):
        return DataCard("chance", "Random nDCG", "–", "no query has a gain", definition, (), True)
    detail = f"nDCG@{DEPTH} of a random order; the worst order has {line.worst:.3f}"
    bars = tuple((f"@{k}", c.random) for k, c in lines.items())
    return DataCard("chance", "Random nDCG", f"{line.random:.3f}", detail, definition, bars)


def _smallest(on: Standing) -> DataCard:
    step = on.seen.auc_step
    definition = (
        "The ROC-AUC difference of two models with little in common (areas that correlate at "
        "0.5) that a test at the 5 % level finds in 80 % of repeats (Hanley and McNeil 1982, at "
        "0.8). Between models that agree closely, such as a student and its twin, smaller "
        "differences are detected: each comparison states its own smallest detectable "
        "difference."
    )
    if np.isnan(step):
        detail = "needs both relevant and other labels"
        return DataCard("smallest", _SMALLEST, "–", detail, definition, (), True)
    small = ": a small sample, read differences with care" if step > COARSE else ""
    detail = f"ROC-AUC, two unrelated models{small}"
    return DataCard("smallest", _SMALLEST, f"{step:.3f}", detail, definition, (), step > COARSE)


def histogram(counts: NDArray[np.int64], most: int = 12) -> tuple[tuple[str, float], ...]:
    """Make bars of whole numbers: one per number while few, else even steps, the last open."""
    if not len(counts):
        return ()
    low, high = int(counts.min()), int(np.percentile(counts, 99, method="higher"))
    step = max(1, -(-(high - low + 1) // most))
    edges = np.arange(low, high + step + 1, step)
    binned = np.bincount(np.minimum((counts - low) // step, len(edges) - 2))
    open_end = int(counts.max()) >= int(edges[len(binned)])
    names = [f"{a}" if step == 1 else f"{a}–{a + step - 1}" for a in edges[: len(binned)]]
    names[-1] += "+" if open_end else ""
    return tuple(zip(names, map(float, binned), strict=True))
