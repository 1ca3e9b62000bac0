"""What the funnel's browser part is sent: the candidates of all queries, times, and intervals."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app import state
from app.kit.by_hash import by_hash
from app.views.retrieval import rails
from kdcore.retrieval.funnel import Cuts, Losses, Step, losses, steps
from kdcore.retrieval.measuring.change import Change
from kdcore.retrieval.measuring.study import EXACT, FIRST_SEARCH, Study, milliseconds
from kdcore.retrieval.recall import Estimate, mean_with_interval

DEPTH = 5
READS = (0, 5, 10, 20, 35, 50, 75, 100, 150, 200)  # ads that the teacher reads, on the curve


@by_hash(most=60, on=lambda study, name, search, cuts: (name, search, cuts))
def steps_of(study: Study, name: str, search: int, cuts: Cuts) -> tuple[Step, Step, Step]:
    """nDCG after each step. name: of the study, by which results are stored."""
    candidates = [study.candidates(q, FIRST_SEARCH + search) for q in range(len(study.queries))]
    return steps(candidates, cuts, DEPTH, study.ads)


@by_hash(most=60, on=lambda study, name, search, cuts: (name, search, cuts))
def losses_of(study: Study, name: str, search: int, cuts: Cuts) -> Losses:
    """What is lost by each step."""
    exact, indexed = (
        [study.candidates(q, bit) for q in range(len(study.queries))]
        for bit in (EXACT, FIRST_SEARCH + search)
    )
    return losses(exact, indexed, cuts, DEPTH)


@by_hash(most=60, on=lambda study, name, search, cuts: (name, search, cuts))
def against_alone(study: Study, name: str, search: int, cuts: Cuts) -> Change | None:
    """The funnel beside the teacher over all ads; None where that was not measured or judged."""
    change = study.funnel_against_alone(search, cuts, DEPTH)
    return change if change is not None and change.n > 1 else None


@by_hash(most=8, on=lambda study, name: name)
def full_of(study: Study, name: str) -> Estimate:
    """The teacher over all ads, on the queries for which it read them; n = 0 without one."""
    return mean_with_interval(study.full_ndcg(DEPTH))


def sampled(study: Study, after: tuple[Step, Step, Step]) -> NDArray[np.float64]:
    """(sample,) nDCG of the funnel on the queries for which the teacher read every ad."""
    return after[2].ndcg[study.full_queries]


@by_hash(most=8, on=lambda study, name, search: (name, search))
def _pool(study: Study, name: str, search: int) -> dict[str, Any]:
    """The candidates of all queries, flat, as the browser takes them."""
    candidates = [study.candidates(q, FIRST_SEARCH + search) for q in range(len(study.queries))]

    def flat(field: str, kind: type[np.generic]) -> str:
        values = np.concatenate([getattr(each, field) for each in candidates])
        return _text(values, kind)

    return {
        "hash": f"{name}-{search}",
        "starts": np.cumsum([0, *(len(each.ids) for each in candidates)]).tolist(),
        "ids": flat("ids", np.int32),
        "student": flat("student", np.float32),
        "teacher": flat("teacher", np.float32),
        "gains": flat("gains", np.float32),
        "best": _text(study.best[:, :DEPTH], np.float32),
        "most": DEPTH,
    }


def _text(values: NDArray[np.generic], kind: type[np.generic]) -> str:
    """Numbers as the base64 of their bytes: a part takes JSON."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()


def sent(study: Study, name: str, search: int, cuts: Cuts) -> dict[str, Any]:
    """All that the part draws: what a drag needs, and the intervals of what stands there now."""
    times, now, full = study.card["times"], state.now().retrieval, full_of(study, name)
    query, search_ms, _, _ = milliseconds(times, study.searches[search], 0, 0)
    return _pool(study, name, search) | {
        "depth": DEPTH,
        "ads": study.ads,
        "alone": [full.value, full.low, full.high] if full.n else None,
        "aloneQueries": full.n,
        "search": rails.words(study.searches[search]),
        "compared": rails.compared(study.searches[search], study.ads),
        "candidates": now.candidates,
        "reordered": now.reordered,
        "times": {
            "query": query,
            "search": search_ms,
            "student": times["student_pair_ms"],
            "teacher": times["teacher_pair_ms"],
        },
        **_ends(study, name, search, cuts),
    }


def _ends(study: Study, name: str, search: int, cuts: Cuts) -> dict[str, Any]:
    """The 95 % intervals of what stands in the table and on the curve, for the cuts in `cuts`.

    ends: of ANN, student, teacher and the ceiling of what ANN hands on. same: nDCG of the funnel
    and its ends on the queries that the teacher alone answered. reads: the marks of the
    curve. curveEnds: of the teacher at each mark, at this number of candidates.
    """
    after, lost = steps_of(study, name, search, cuts), losses_of(study, name, search, cuts)
    ceiling, same = 1 - lost.cut - lost.index, mean_with_interval(sampled(study, after))
    return {
        "cuts": [cuts.candidates, cuts.reordered],
        "ends": [*(_span(step.ndcg) for step in after), _span(ceiling)],
        "same": [same.value, same.low, same.high] if same.n else None,
        "reads": READS,
        "curveEnds": _curve_ends(study, name, search, cuts.candidates),
    }


@by_hash(most=60, on=lambda study, name, search, candidates: (name, search, candidates))
def _curve_ends(study: Study, name: str, search: int, candidates: int) -> list[list[float]]:
    cuts = [Cuts(candidates, min(reads, candidates)) for reads in READS]
    return [_span(steps_of(study, name, search, each)[2].ndcg) for each in cuts]


def _span(values: NDArray[np.float64]) -> list[float]:
    """The ends of the mean's interval; none where no query has a value."""
    value = mean_with_interval(values)
    return [value.low, value.high] if value.n else []
