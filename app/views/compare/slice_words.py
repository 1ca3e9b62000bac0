"""What Compare says of slices: where the student falls behind, and whether it loses there."""

from app.kit.texts import counted, number, signed
from app.services import Board
from app.services.selection.slices import Against, sampled
from kdcore.analysis.attributes import describe
from kdcore.analysis.slices import Slice, Slices

AGAINST = {"teacher": "the teacher", "twin": "the twin without a teacher"}
SHORT = {"teacher": "the teacher", "twin": "its twin"}


def finding(board: Board, result: Slices, against: Against) -> str:
    """Where the student falls behind, and what it really loses; the first is no loss by itself."""
    tried = (
        f"{result.tried:,} slices tried on {result.pairs:,} labelled pairs of {result.queries:,} "
        "queries"
    )
    if sampled(board.pairs):
        tried += f" (a sample of whole queries, as there are {len(board.pairs):,} pairs)"
    if not result.slices:
        return f"No slice stands out: {tried}, none beyond chance."
    behind = [s for s in result.slices if s.effect > 0]
    if not behind:
        return f"In no slice does the student fall behind more than elsewhere: {tried}."
    worst = max(behind, key=lambda s: s.total)
    sentences = (
        f"Compared with {AGAINST[against]}, the student falls behind most in total where "
        f"{describe(worst.name, board.pairs.scheme)}: {number(worst.effect)} nats more per pair "
        f"than elsewhere (95 % interval adjusted for picking the worst of {result.tried:,} slices: "
        f"{signed(worst.low)} to {signed(worst.high)}; {worst.pairs:,} pairs of "
        f"{worst.queries:,} queries). {there(worst.inside, against)}.",
        _worse(board, behind, against),
        f"{tried}, {len(result.slices)} listed.",
    )
    return " ".join(sentences)


def there(gap: float, against: Against) -> str:
    """Whether the student loses or gains in a slice, in words; gap: nats per pair."""
    if round(gap, 3) == 0:
        return f"There its loss is that of {SHORT[against]}"
    way = "higher" if gap > 0 else "lower"
    return f"There its loss is {number(abs(gap))} nats per pair {way} than that of {SHORT[against]}"


def _worse(board: Board, behind: list[Slice], against: Against) -> str:
    """In how many of the slices where the student falls behind it loses at all, and where most."""
    real = [s for s in behind if word(s) == "WORSE"]
    among = f"Of the {counted(len(behind), 'slice')} in which it falls behind"
    if not real:
        return f"{among}, it is clearly worse than {SHORT[against]} in none."
    most = max(real, key=lambda s: s.inside)
    return (
        f"{among}, it is clearly worse than {SHORT[against]} in {len(real):,}, most per pair where "
        f"{describe(most.name, board.pairs.scheme)} ({signed(most.inside)} nats, {most.pairs:,} "
        "pairs)."
    )


def word(one: Slice) -> str:
    """The verdict of a slice's own loss gap: what its interval says of losing or gaining there."""
    if one.inside_low > 0:
        return "WORSE"
    return "BETTER" if one.inside_high < 0 else "INCONCLUSIVE"
