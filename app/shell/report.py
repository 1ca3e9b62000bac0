"""A page as it stands as one file: HTML that opens without a network, and a table for LaTeX."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import version
from ipaddress import ip_address
from urllib.parse import urlsplit

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
    """One model of the report: its role, title, evaluation, and its run's settings as YAML.

    made_here: keys of metrics that read probabilities which the model did not give. caveat: a
    sentence on them.
    """

    role: str
    title: str
    evaluation: Evaluation
    settings: str
    made_here: Collection[str] = ()
    caveat: str = ""

    def mark(self, key: str, sign: str) -> str:
        """The sign for a metric that says nothing of the model, else an empty text."""
        return sign if key in self.made_here else ""


@dataclass(frozen=True)
class Material:
    """What a report says of a page. against: student minus twin, when there is a twin.

    sections: of the parts of the page; saved: the day, YYYY-MM-DD.
    """

    finding: str
    link: str
    data: str = ""
    data_hash: str = ""
    subjects: Sequence[Subject] = ()
    against: Comparison | None = None
    gap: GapRecovered | None = None
    page: str = "KD Lab"
    saved: str = ""
    sections: Sequence[Section] = ()


def html(material: Material) -> str:
    """The report as one static page: no script, no address that is fetched.

    PICTURES marks where the pictures of the page belong.
    """
    title = f"KD Lab: {material.page}" + (f", {material.data}" if material.data else "")
    models = " · ".join(f"{s.role} {s.title}" for s in material.subjects)
    parts = [
        LOOK,
        f"<h1>{escape(title)}</h1>",
        paragraph(" · ".join(t for t in (models, f"saved {material.saved}") if t.strip()), "meta"),
        paragraph(material.finding, "finding"),
        PICTURES,
        *(_section(each) for each in material.sections if not each.folded),
        _metrics(material.subjects),
        _differences(material.against, material.subjects),
        _gap(material.gap),
        *(_section(each) for each in material.sections if each.folded),
        _settings(material),
        _state(material.link),
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
            own = each.mark(key, r"$^\ddagger$")
            row.append(number(each.evaluation.metrics[key].value) + mark + own)
        rows.append(" & ".join(row) + r" \\")
    return _tabular(_caption(subjects, marked), ["Model", *names], rows)


def latex_tables(parts: Sequence[Section]) -> str:
    """The table of each part of a page, its title and sentences as the caption; "" without one."""
    tables = []
    for part in parts:
        if (shown := part.table) is not None:
            rows = [
                " & ".join(_tex(_cell(value)) for value in row) + r" \\"
                for row in shown.itertuples(index=False)
            ]
            caption = _tex(" ".join(dict.fromkeys((f"{part.title}.", *part.texts))))
            tables.append(_tabular(caption, [_tex(str(name)) for name in shown.columns], rows))
    return "\n".join(tables)


def _tabular(caption: str, head: Sequence[str], rows: Sequence[str]) -> str:
    """A table of LaTeX with the rules of booktabs: its first column is text, the others numbers."""
    lines = [
        r"\begin{table}",
        rf"\caption{{{caption}}}",
        r"\begin{tabular}{l" + "r" * (len(head) - 1) + "}",
        r"\toprule",
        " & ".join(head) + r" \\",
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
    metric = next(iter(first.values()))
    text = _tex(f"{subjects[0].evaluation.data}, n = {metric.n:,} {metric.n_unit}") + "."
    if marked:
        text += (
            r" $^\dagger$: better than the same student trained on labels alone; the 95\,\% "
            r"interval of the difference (bootstrap over queries) excludes 0 and a permutation "
            r"test over queries gives $p < 0.05$, each metric tested by itself."
        )
    if caveats := _caveats(subjects):
        text += rf" $^\ddagger$: {_tex(caveats)}"
    return text


def _caveats(subjects: Sequence[Subject]) -> str:
    return " ".join(dict.fromkeys(each.caveat for each in subjects if each.caveat))


def _section(part: Section) -> str:
    inner = "".join(paragraph(text) for text in part.texts)
    if (rows := part.table) is not None:
        cells = [[_cell(value) for value in row] for row in rows[:ROWS].itertuples(index=False)]
        more = f"The first {ROWS} of {len(rows):,} rows." if len(rows) > ROWS else ""
        inner += table([str(name) for name in rows.columns], cells) + paragraph(more, "faint")
    return (_folded if part.folded else section)(part.title, inner)


def _folded(title: str, inner: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{inner}</details>"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        shown = f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}"
        return "–" if value != value else shown.replace("-", "−")
    return f"{value:,}".replace("-", "−") if isinstance(value, int) else str(value)


def _metrics(subjects: Sequence[Subject]) -> str:
    keys = list(subjects[0].evaluation.metrics) if subjects else []
    if not keys:
        return ""
    rest = [key for key in keys if key not in SHOWN]
    more = _folded("More metrics", _scores(subjects, rest)) if rest else ""
    first = _scores(subjects, [key for key in SHOWN if key in keys])
    caveats = _caveats(subjects)
    note = paragraph(f"† {caveats}", "note") if caveats else ""
    return section("All pairs: metrics with 95 % intervals", first, note, more)


def _scores(subjects: Sequence[Subject], keys: Sequence[str]) -> str:
    definitions, rows = {}, []
    for key in keys:
        first = subjects[0].evaluation.metrics[key]
        values = []
        for each in subjects:
            m = each.evaluation.metrics.get(key)
            shown = f"{number(m.value)} [{number(m.low)}, {number(m.high)}]" if m else "–"
            values.append(shown + each.mark(key, " †"))
        rows.append([first.name, *values, f"{first.n:,} {first.n_unit}"])
        definitions[first.name] = first.definition
    return table(["Metric", *(f"{s.role}: {s.title}" for s in subjects), "n"], rows, definitions)


def _differences(against: Comparison | None, subjects: Sequence[Subject]) -> str:
    if against is None:
        return ""
    pair = [each for each in subjects if each.role in ("student", "twin")]
    marks = {k: " †" for each in pair for k in against.differences if each.mark(k, "†")}
    rows = [
        [
            d.name + marks.get(key, ""),
            f"{signed(d.delta)} [{signed(d.low)}, {signed(d.high)}]",
            f"{d.p:.4f}",
            number(d.smallest_detectable),
            d.verdict,
        ]
        for key, d in against.differences.items()
    ]
    head = ("Metric", "Difference", "p", "Smallest detectable", "Against its twin")
    differences = against.differences.items()
    definitions = {d.name + marks.get(key, ""): d.definition for key, d in differences}
    title = "All pairs: student minus its twin without a teacher"
    return _folded(title, table(head, rows, definitions))


def _gap(gap: GapRecovered | None) -> str:
    if gap is None:
        return ""
    value = gap.sentence[0].upper() + gap.sentence[1:]
    return section(gap.name, paragraph(f"{value}. {gap.definition}"))


def _settings(material: Material) -> str:
    packages = ", ".join(f"{p} {version(p)}" for p in ("kdlab", "numpy", "pandas", "scikit-learn"))
    data = f"Data {material.data_hash}; bootstrap seed 0; " if material.subjects else ""
    models = (
        f"<h3>{escape(s.role)}: {escape(s.title)}</h3>{block(s.settings)}"
        for s in material.subjects
    )
    return _folded("Settings", paragraph(f"{data}{packages}.") + "".join(models))


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
    marks |= {"^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "−": "$-$", "–": "--"}
    marks |= {"▲": r"$\uparrow$", "▼": r"$\downarrow$", "→": r"$\to$", "≈": r"$\approx$"}
    return "".join(marks.get(c, c) for c in " ".join(text.split()))  # an empty line ends a table
