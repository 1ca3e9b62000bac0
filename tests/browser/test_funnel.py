"""The funnel's arithmetic in the browser is that of kdcore/retrieval/funnel.py."""

import numpy as np
import pytest

from kdcore.retrieval.funnel import Candidates, Cuts, steps

FIELDS = ("ids", "student", "teacher", "gains", "best")
SCRIPT = """({queries, candidates, reordered, depth}) =>
  m.stepsOf(queries, candidates, reordered, depth)"""


@pytest.mark.parametrize(("candidates", "reordered"), [(30, 0), (30, 10), (12, 12), (200, 50)])
def test_steps_agree_with_python_with_ties_and_queries_without_gain(
    open_module, candidates, reordered
):
    rng = np.random.default_rng(candidates + reordered)
    queries = []
    for query in range(20):
        gains = rng.integers(0, 4, 40).astype(float) * (query > 2)
        scores = rng.integers(0, 9, (2, 40)).astype(float)  # many ties
        ids = rng.permutation(1000)[:40]
        queries.append(Candidates(ids, *scores, gains, np.sort(gains)[::-1][:5]))
    sent = [{name: getattr(q, name).tolist()
             for name in FIELDS} for q in queries]  # fmt: skip
    case = {"queries": sent, "candidates": candidates, "reordered": reordered, "depth": 5}
    module = open_module("app/views/retrieval/parts/funnel/cuts.js")
    shown = module.evaluate(SCRIPT, case)
    expected = steps(queries, Cuts(candidates, reordered), 5, 1000)
    assert shown["n"] == 17
    for value, step in zip(shown["values"], expected, strict=True):
        assert value == pytest.approx(np.nanmean(step.ndcg), abs=1e-9)
