"""A page as it stands as one file: HTML that opens without a network, and a table for LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import version
from ipaddress import ip_address
from urllib.parse import urlsplit

import pandas as pd

from app.kit.sections import Section
from app.kit.texts import number, signed
from kdcore.evaluation.comparison import Comparison
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.gap import GapRecovered
from kdcore.metrics.definitions import shown_in
from kdcore.report.page import block, page, paragraph, section, table

SHOWN = shown_in("report")
PICTURES = "<!-- pictures -->"  # the browser, which draws them, puts the page's pictures here
ROWS = 200  # of a table; its CSV has all
LOOK = """<style>
body{font-family:"Source Sans",system-ui,sans-serif}figure svg{background:#fff;min-width:0}
.meta{color:var(--faint)}.note{border-left:3px solid var(--line);padding-left:.8rem}
details{margin:.8rem 0}summary{font-weight:600}
@media print{details::details-content{content-visibility:visible;block-size:auto}
figure{break-inside:avoid}}
</style>"""


@dataclass(frozen=True)
class Subject:
    """One model of the report: its role, title, evaluation, and its run's settings as YAML."""

    role: str
    title: str
    evaluation: Evaluation
    settings: str


@dataclass(frozen=True)
class Material:
    """All that a report tells of a page. against: student minus twin, when there is a twin.

    sections: what the parts of the page say of themselves; saved: the day, YYYY-MM-DD.
    """

    finding: str
    link: str
    data: str
    data_hash: str
    subjects: Sequence[Subject]
    against: Comparison | None
    gap: GapRecovered | None
    page: str = "KD Lab"
    saved: str = ""
    sections: Sequence[Section] = ()


def html(told: Material) -> str:
    """The report as one static page: no script, no address that is fetched.

    PICTURES marks where the pictures of the page belong.
    """
    title = f"KD Lab: {told.page}" + (f", {told.data}" if told.data else "")
    models = " · ".join(f"{s.role} {s.title}" for s in told.subjects)
    parts = [
        LOOK,
        f"<h1>{escape(title)}</h1>",
        paragraph(" · ".join(t for t in (models, f"saved {told.saved}") if t.strip()), "meta"),
        paragraph(told.finding, "finding"),
        PICTURES,
        *(_section(each) for each in told.sections if not each.folded),
        _metrics(told.subjects),
        _differences(told.against),
        _gap(told.gap),
        *(_section(each) for each in told.sections if each.folded),
        _settings(told),
        _state(told.link),
    ]
    return page(title, "".join(parts))


def latex(subjects: Sequence[Subject], against: Comparison | None) -> str:
    """Models as rows, metrics as columns, in a table whose caption explains its marks."""
    keys = [k for k in SHOWN if all(k in s.evaluation.metrics for s in subjects)]
    names = [_tex(subjects[0].evaluation.metrics[k].name) for k in keys] if subjects else []
    rows, marked = [], False
    for each in subjects:
        row = [_tex(each.title)]
        for key in keys:
            better = against and each.role == "student" and against.differences.get(key)
            mark = r"$^\dagger$" if better and better.verdict == "BETTER" else ""
            marked = marked or bool(mark)
            row.append(number(each.evaluation.metrics[key].value) + mark)
        rows.append(" & ".join(row) + r" \\")
    lines = [
        r"\begin{table}",
        rf"\caption{{{_caption(subjects, marked)}}}",
        r"\begin{tabular}{l" + "r" * len(keys) + "}",
        r"\toprule",
        " & ".join(["Model", *names]) + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def _caption(subjects: Sequence[Subject], marked: bool) -> str:
    if not subjects:
        return "No model has scored these pairs."
    first = subjects[0].evaluation.metrics
    about = next(iter(first.values()))
    text = f"{subjects[0].evaluation.data}, $n$ = {about.n:,} {about.n_unit}"
    text = _tex(text.replace("$n$", "n")) + "."
    if marked:
        text += (
            r" $^\dagger$: better than the same student trained on labels alone; the 95\,\% "
            r"interval of the difference (bootstrap over queries) excludes 0 and a permutation "
            r"test over queries gives $p < 0.05$, each metric tested by itself."
        )
    return text


def _section(told: Section) -> str:
    inner = "".join(paragraph(text) for text in told.texts)
    if told.table is not None:
        inner += _frame(told.table)
    if told.folded:
        return f"<details><summary>{escape(told.title)}</summary>{inner}</details>"
    return section(told.title, inner)


def _frame(rows: pd.DataFrame) -> str:
    shown = rows.head(ROWS)
    cells = [[_cell(value) for value in row] for row in shown.itertuples(index=False)]
    more = f"The first {ROWS} of {len(rows):,} rows." if len(rows) > ROWS else ""
    return table([str(name) for name in rows.columns], cells) + paragraph(more, "faint")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        shown = f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}"
        return "–" if value != value else shown.replace("-", "−")
    return f"{value:,}".replace("-", "−") if isinstance(value, int) else str(value)


def _metrics(subjects: Sequence[Subject]) -> str:
    keys = list(subjects[0].evaluation.metrics) if subjects else []
    first, rest = [k for k in SHOWN if k in keys], [k for k in keys if k not in SHOWN]
    if not keys:
        return ""
    more = ""
    if rest:
        more = f"<details><summary>More metrics</summary>{_scores(subjects, rest)}</details>"
    return section("All pairs: metrics with 95 % intervals", _scores(subjects, first), more)


def _scores(subjects: Sequence[Subject], keys: Sequence[str]) -> str:
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
    lines = f"<tr><th>Metric</th>{head}<th>n</th></tr>{''.join(rows)}"
    return f"<div class='wide'><table>{lines}</table></div>"


def _differences(against: Comparison | None) -> str:
    if against is None:
        return ""
    rows = "".join(
        f"<tr><th title='{escape(d.definition, quote=True)}'>{escape(d.name)}</th>"
        f"<td>{signed(d.delta)} [{signed(d.low)}, {signed(d.high)}]</td><td>{d.p:.4f}</td>"
        f"<td>{number(d.smallest_detectable)}</td><td>{escape(d.verdict)}</td></tr>"
        for d in against.differences.values()
    )
    names = ("Metric", "Difference", "p", "Smallest detectable", "Against its twin")
    head = "".join(f"<th>{name}</th>" for name in names)
    title = "All pairs: student minus its twin without a teacher"
    rows = f"<div class='wide'><table><tr>{head}</tr>{rows}</table></div>"
    return f"<details><summary>{title}</summary>{rows}</details>"


def _gap(gap: GapRecovered | None) -> str:
    if gap is None:
        return ""
    value = gap.sentence[0].upper() + gap.sentence[1:]
    return section(gap.name, paragraph(f"{value}. {gap.definition}"))


def _settings(told: Material) -> str:
    packages = ", ".join(f"{p} {version(p)}" for p in ("kdlab", "numpy", "pandas", "scikit-learn"))
    data = f"Data {told.data_hash}; bootstrap seed 0; " if told.subjects else ""
    about = f"{data}{packages}."
    blocks = "".join(
        f"<h3>{escape(s.role)}: {escape(s.title)}</h3>{block(s.settings)}" for s in told.subjects
    )
    return f"<details><summary>Settings</summary>{paragraph(about)}{blocks}</details>"


def _state(link: str) -> str:
    note = ""
    if _is_loopback(link):
        note = paragraph(
            "This address works only on the machine where the lab ran, while it runs there.", "note"
        )
    return section("The same state in the lab", f"<p><code>{escape(link)}</code></p>", note)


def _is_loopback(link: str) -> bool:
    """Whether an address leads back to the machine that opens it."""
    try:
        host = urlsplit(link).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:  # a name, or no address at all
        return False


def _tex(text: str) -> str:
    marks = {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "·": r"$\cdot$"}
    marks |= {"^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
    return "".join(marks.get(c, c) for c in " ".join(text.split()))  # an empty line ends a table
