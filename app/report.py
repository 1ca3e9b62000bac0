"""What is on the table as one file: HTML that opens without a network, and a table for LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import version

from app.texts import number, signed
from kdcore.comparison import Comparison
from kdcore.evaluate import Evaluation
from kdcore.gap import GapRecovered
from kdcore.keep.page import page

SHOWN = ("roc_auc", "pr_auc", "ndcg@1", "ndcg@5", "ndcg@10", "nll", "ece_mass", "accuracy")
_COLORS = ("var(--teacher)", "var(--student)", "var(--twin)")
_DASHES = ("", "", "4 4")


@dataclass(frozen=True)
class Subject:
    """One model of the report: its role, title, evaluation, and its run's settings as YAML."""

    role: str
    title: str
    evaluation: Evaluation
    settings: str


@dataclass(frozen=True)
class Material:
    """All that a report tells. against: student minus twin, when there is a twin."""

    finding: str
    link: str
    data: str
    data_hash: str
    subjects: Sequence[Subject]
    against: Comparison | None
    gap: GapRecovered | None


def html(told: Material) -> str:
    """The report as one static page: no script, no address that is fetched."""
    parts = [
        f"<h1>KD Lab: {escape(told.data)}</h1>",
        f"<p class='finding'>{escape(told.finding)}</p>",
        f"<p>The same state in the lab: <code>{escape(told.link)}</code></p>",
        _metrics(told.subjects),
        _differences(told.against),
        _gap(told.gap),
        _curves(told.subjects),
        _settings(told),
    ]
    return page(f"KD Lab: {told.data}", "".join(parts))


def latex(subjects: Sequence[Subject], against: Comparison | None) -> str:
    """Models as rows, metrics as columns; a dagger marks a difference to the twin that BEATS."""
    keys = [k for k in SHOWN if all(k in s.evaluation.metrics for s in subjects)]
    names = [_tex(subjects[0].evaluation.metrics[k].name) for k in keys] if subjects else []
    lines = [
        r"\begin{tabular}{l" + "r" * len(keys) + "}",
        r"\toprule",
        " & ".join(["Model", *names]) + r" \\",
        r"\midrule",
    ]
    for each in subjects:
        row = [_tex(each.title)]
        for key in keys:
            better = against and each.role == "student" and against.differences.get(key)
            mark = r"$^\dagger$" if better and better.verdict == "BEATS" else ""
            row.append(number(each.evaluation.metrics[key].value) + mark)
        lines.append(" & ".join(row) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _metrics(subjects: Sequence[Subject]) -> str:
    keys = list(subjects[0].evaluation.metrics) if subjects else []
    rows = []
    for key in keys:
        first = subjects[0].evaluation.metrics[key]
        cells = [f"<th title='{escape(first.definition, quote=True)}'>{escape(first.name)}</th>"]
        for each in subjects:
            m = each.evaluation.metrics.get(key)
            shown = f"{number(m.value)} [{number(m.low)}, {number(m.high)}]" if m else "–"
            cells.append(f"<td>{shown}</td>")
        rows.append(f"<tr>{''.join(cells)}<td>{first.n:,} {first.n_unit}</td></tr>")
    head = "".join(f"<th>{escape(s.role)}: {escape(s.title)}</th>" for s in subjects)
    table = f"<table><tr><th>Metric</th>{head}<th>n</th></tr>{''.join(rows)}</table>"
    return f"<h2>Metrics, with 95 % intervals over queries</h2>{table}"


def _differences(against: Comparison | None) -> str:
    if against is None:
        return "<h2>Tests</h2><p>There is no twin without a teacher to test against.</p>"
    rows = "".join(
        f"<tr><th title='{escape(d.definition, quote=True)}'>{escape(d.name)}</th>"
        f"<td>{signed(d.delta)} [{signed(d.low)}, {signed(d.high)}]</td><td>{d.p:.4f}</td>"
        f"<td>{number(d.smallest_detectable)}</td><td>{escape(d.verdict)}</td></tr>"
        for d in against.differences.values()
    )
    head = (
        "<th>Metric</th><th>Difference</th><th>p</th><th>Smallest detectable</th><th>Verdict</th>"
    )
    return f"<h2>Student minus its twin without a teacher</h2><table><tr>{head}</tr>{rows}</table>"


def _gap(gap: GapRecovered | None) -> str:
    if gap is None:
        return ""
    value = gap.text if gap.trustworthy else gap.reason
    return f"<h2>{escape(gap.name)}</h2><p>{escape(value)}. {escape(gap.definition)}</p>"


def _curves(subjects: Sequence[Subject]) -> str:
    width, height = 640, 300
    step = (width - 60) / 19

    def line(values: Sequence[float], color: str, dash: str) -> str:
        points = " ".join(
            f"{40 + i * step:.1f},{height - 30 - v * (height - 50):.1f}"
            for i, v in enumerate(values)
            if v == v
        )
        style = f"fill='none' stroke='{color}' stroke-width='2' stroke-dasharray='{dash}'"
        return f"<polyline points='{points}' {style}/>"

    drawn = [
        f"<text x='{width - 150}' y='{60 + 18 * i}' style='fill:{_COLORS[i % 3]}'>"
        f"{escape(s.role)}</text>"
        + line(s.evaluation.ndcg["exp2"].model, _COLORS[i % 3], _DASHES[i % 3])
        for i, s in enumerate(subjects)
    ]
    if subjects:
        drawn.append(line(subjects[0].evaluation.ndcg["exp2"].random, "var(--faint)", "2 3"))
    ticks = "".join(
        f"<text x='36' y='{height - 26 - v * (height - 50):.0f}' text-anchor='end'>{v:g}</text>"
        for v in (0, 0.25, 0.5, 0.75, 1)
    ) + "".join(
        f"<text x='{40 + (k - 1) * step:.0f}' y='{height - 8}' text-anchor='middle'>{k}</text>"
        for k in (1, 5, 10, 15, 20)
    )
    inner = ticks + "".join(drawn)
    return (
        "<h2>nDCG over k, gain 2^grade − 1; dotted: random order</h2>"
        f"<svg viewBox='0 0 {width} {height}' width='{width}' role='img'>{inner}</svg>"
    )


def _settings(told: Material) -> str:
    packages = ", ".join(f"{p} {version(p)}" for p in ("kdlab", "numpy", "pandas", "scikit-learn"))
    blocks = "".join(
        f"<h3>{escape(s.role)}: {escape(s.title)}</h3><pre>{escape(s.settings)}</pre>"
        for s in told.subjects
    )
    about = f"Data {escape(told.data_hash)}; bootstrap seed 0; {escape(packages)}."
    return f"<h2>Settings</h2><p>{about}</p>{blocks}"


def _tex(text: str) -> str:
    marks = {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "·": r"$\cdot$"}
    marks |= {"^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
    return "".join(marks.get(c, c) for c in " ".join(text.split()))  # an empty line ends a table
