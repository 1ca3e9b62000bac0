"""maths.js in a real browser says what Python says, on thousands of cases and the extremes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kdcore import softlabels
from kdcore.labels import LabelScheme
from kdcore.metrics import ranking

CASES = 2_000
CLOSE = 1e-6

SOFT = """(cases) => cases.map(({p, q, T, from}) => {
  const labels = m.softmax(p, T);
  const one = new Float64Array(1);
  const both = [new Float64Array(1), new Float64Array(1)];
  const wide = [Float64Array.from(p), Float64Array.from(q)];
  const seen = m.survey(...wide, p.length, T, T, from, ...both);
  return {
    soft: Array.from(labels),
    log: Array.from(m.logSoftmax(p, T)),
    entropy: m.entropy(p, T),
    entropyInto: m.entropyInto(Float64Array.from(p), p.length, T, one)[0],
    kl: m.kl(p, q, T),
    survey: [seen.kl, seen.pBits, seen.qBits],
    surveyed: [both[0][0], both[1][0]],
    relevance: m.relevance(labels, from),
    relevanceInto: m.relevanceInto(Float64Array.from(p), p.length, T, from, one)[0],
    gradient: Array.from(m.softKlGradient(p, q, T)),
    squared: Array.from(m.softKlGradient(p, q, T, true)),
  };
})"""

LISTS = """(cases) => cases.map(({gains, scores, k, turns}) => ({
  ndcg: m.ndcg(gains, scores, k), random: m.ndcgRandom(gains, k), worst: m.ndcgWorst(gains, k),
  order: m.rankOrder(scores, turns),
}))"""


Maths = Callable[[str, Any], Any]


@pytest.fixture(scope="module")
def maths(open_module: Any) -> Maths:
    """maths(script, cases): what a script with the module as `m` answers for the cases."""
    answer: Maths = open_module("app/parts/maths.js").evaluate
    return answer


def soft_cases() -> list[dict[str, Any]]:
    """Ordinary logits, then extremes: |z| = 1e4, T = 0.05 and 100, ties, far apart rows."""
    draw = np.random.default_rng(7)
    cases = []
    for number in range(CASES):
        classes = int(draw.integers(2, 6))
        scale = (1.0, 5.0, 100.0, 1e4)[number % 4]
        p, q = draw.uniform(-scale, scale, (2, classes))
        if number % 7 == 0:
            p[:] = p[0]
        if number % 11 == 0:
            p[0], p[-1] = 1e4, -1e4
        if number % 13 == 0:
            q = p.copy()
        temperature = (0.05, 100.0, float(np.exp(draw.uniform(np.log(0.05), np.log(100)))))
        cases.append(
            {
                "p": p.tolist(),
                "q": q.tolist(),
                "T": temperature[number % 3],
                "from": int(draw.integers(1, classes)),
            }
        )
    return cases


def agree(ours: Any, theirs: NDArray[Any] | float, name: str = "") -> None:
    """Equal to 1e-6, absolutely below one and relatively above; nan only where Python has nan."""
    found = np.asarray(ours, dtype=float)
    np.testing.assert_allclose(found, theirs, rtol=CLOSE, atol=CLOSE, err_msg=name)


def test_soft_labels_entropy_kl_and_gradient_agree_with_python_on_thousands_of_cases(
    maths: Maths,
) -> None:
    cases = soft_cases()
    said = maths(SOFT, cases)
    ours: dict[str, list[float]] = {name: [] for name in said[0]}
    theirs: dict[str, list[float]] = {name: [] for name in said[0]}
    for case, answer in zip(cases, said, strict=True):
        for name, value in python_says(case).items():
            ours[name].extend(np.atleast_1d(answer[name]))
            theirs[name].extend(np.atleast_1d(value))
    for name, values in ours.items():
        agree(values, np.array(theirs[name]), name)


def python_says(case: dict[str, Any]) -> dict[str, Any]:
    """What kdcore answers for one case, under the names that the browser uses."""
    p, q, temperature = np.array(case["p"]), np.array(case["q"]), case["T"]
    scheme = LabelScheme(tuple("abcde"[: len(p)]), case["from"])
    soft, other = softlabels.soften(p, temperature), softlabels.soften(q, temperature)
    bits, gap = softlabels.entropy(p, temperature), softlabels.kl(p, q, temperature)
    return {
        "soft": soft,
        "log": softlabels.log_soften(p, temperature),
        "entropy": bits,
        "entropyInto": bits,
        "kl": gap,
        "survey": [gap, bits, softlabels.entropy(q, temperature)],
        "relevance": scheme.relevance(soft),
        "relevanceInto": scheme.relevance(soft),
        "surveyed": [scheme.relevance(soft), scheme.relevance(other)],
        "gradient": (other - soft) / temperature,
        "squared": (other - soft) * temperature,
    }


def test_ndcg_its_random_and_worst_lines_and_ties_agree_with_python_on_thousands_of_lists(
    maths: Maths,
) -> None:
    draw = np.random.default_rng(11)
    cases = []
    for number in range(CASES):
        size = int(draw.integers(1, 21))
        top = 1 if number % 50 == 0 else int(draw.integers(2, 6))
        cases.append(
            {
                "gains": (2.0 ** draw.integers(0, top, size) - 1).tolist(),
                # few distinct scores, so that most lists hold ties
                "scores": draw.integers(-3, 4, size).astype(float).tolist(),
                "k": int(draw.integers(1, 25)),
                "turns": draw.permutation(size).tolist() if number % 2 else None,
            }
        )
    said = maths(LISTS, cases)
    wanted: dict[str, list[float]] = {"ndcg": [], "random": [], "worst": []}
    for case, answer in zip(cases, said, strict=True):
        gains, scores, k = np.array(case["gains"]), np.array(case["scores"]), case["k"]
        query = np.zeros(len(gains), dtype=np.int64)
        wanted["ndcg"].append(ranking.ndcg(gains, scores, query, k)[0, -1])
        wanted["random"].append(ranking.ndcg_random(gains, query, k)[0, -1])
        wanted["worst"].append(ranking.ndcg_worst(gains, query, k)[0, -1])
        turns = None if case["turns"] is None else np.array(case["turns"])
        lists = ranking.RankedLists.of(scores, query, 1, turns)
        assert answer["order"] == lists.order.tolist()
    for name, values in wanted.items():
        agree([_number(answer[name]) for answer in said], np.array(values), name)


def test_a_histogram_agrees_with_numpy(maths: Maths) -> None:
    draw = np.random.default_rng(3)
    for size in (2, 9, 1000):
        a = draw.uniform(0, 1, size)
        a[0] = 1.0  # the right edge belongs to the last bin
        counts = maths("(a) => Array.from(m.histogram(a, 40))", a.tolist())
        agree(counts, np.histogram(a, 40, (0, 1))[0])


def test_the_smoothed_label_is_a_distribution_that_gives_eps_to_all_grades_alike(
    maths: Maths,
) -> None:
    said = maths("() => Array.from(m.labelSmoothing(2, 4, 0.2))", None)
    agree(said, np.array([0.05, 0.05, 0.85, 0.05]))


@pytest.mark.parametrize("temperature", ["0", "-1", "NaN", "Infinity"])
def test_a_temperature_that_is_no_positive_number_is_refused(
    maths: Maths, temperature: str
) -> None:
    script = (
        "(T) => { try { m.softmax([1, 2], Number(T)); return ''; } catch (e) { return e.name; } }"
    )
    assert maths(script, temperature) == "RangeError"


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
