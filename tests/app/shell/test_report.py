"""The saved report and the table for LaTeX: texts of data stay texts, nothing is fetched."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from app.kit.sections import Section, rows_of
from app.shell import report, state_file
from app.shell.report import PICTURES, Material, Subject
from app.shell.save import metrics_table
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.evaluate import evaluate
from kdcore.predictions import Predictions

NASTY = (
    "<script>window.hit=1</script>",
    "' onmouseover='window.hit=1",
    '"><img src=http://192.0.2.1/x.png onerror=alert(1)>',
    "</pre></table><iframe src=//192.0.2.1></iframe>",
    "</title><svg onload=alert(1)>",
    "\\input{/etc/passwd} a_b^c ~ 5% & $x$ #1 {",
    "two\n\nlines",
    "",
)
KNOWN = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "code", "pre",
         "table", "thead", "tbody", "tr", "th", "td", "div", "details", "summary"}  # fmt: skip
FETCHES = ("src", "href", "srcset", "data", "action", "xlink:href", "poster")


class Read(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements, self.attributes, self.words = set(), set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def material(make_pairs) -> Material:
    pairs = make_pairs(20, 5)
    draw = np.random.default_rng(0)
    said = [
        Predictions(draw.normal(size=(len(pairs), 2)).astype(np.float32), pairs.content_hash, role)
        for role in ("teacher", "student", "twin")
    ]
    subjects = [
        Subject(s.model, s.model, evaluate(pairs, s, resamples=50), "seed: 0") for s in said
    ]
    against = compare(pairs, said[1], said[2], resamples=50, permutations=100, area_permutations=20)
    return Material("A finding.", "http://127.0.0.1/?v=1", "world", "abc", subjects, against, None)


def hostile(material: Material, text: str) -> Material:
    """The same material with a text at every place that data, files or visitors can write."""
    subjects = [replace(s, role=text, title=text, settings=text) for s in material.subjects]
    table = pd.DataFrame({text: [text, text]})
    sections = [Section(text, (text,), table), Section(text, (text,), table, folded=True)]
    named = dict.fromkeys(("finding", "link", "data", "data_hash", "page", "saved"), text)
    return replace(material, **named, subjects=subjects, sections=sections)


@pytest.mark.parametrize("text", NASTY)
def test_no_text_adds_an_element_or_a_handler_to_the_report(material, text):
    read = Read(report.html(hostile(material, text)))
    assert read.elements <= KNOWN
    assert not [name for name in read.attributes if name.startswith("on") or name in FETCHES]
    assert text in "".join(read.words)


def test_the_report_fetches_nothing_and_holds_link_metrics_tests_and_settings(material):
    page = report.html(material)
    assert not re.search(r"<(script|link|img|iframe|object|embed|base)\b|url\(|@import", page)
    assert len(page) < 2_000_000
    for held in ("http://127.0.0.1/?v=1", "ROC-AUC", "Smallest detectable", "seed: 0", "kdlab "):
        assert held in page


def test_pictures_and_what_the_page_says_come_before_metrics_and_settings_are_folded(material):
    pair = Section("Pair 7", ("Query: red shoes",), pd.DataFrame({"grade": ["good"], "p": [-0.25]}))
    page = report.html(replace(material, page="Temperature", saved="2026-11-28", sections=[pair]))
    texts = ("Temperature", "2026-11-28", "A finding.", PICTURES, "Pair 7", "red shoes", "−0.25")
    texts += ("ROC-AUC", "<summary>Settings</summary>", "seed: 0")
    places = [page.index(text) for text in texts]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("http://localhost:8501/?v=1", True),
        ("http://127.0.0.2:8501/", True),
        ("http://[::1]:8501/", True),
        ("https://lab.example.org/?v=1", False),
        ("http://192.0.2.7/", False),
        ("no address", False),
    ],
)
def test_a_link_that_works_on_one_machine_alone_says_so(material, link, told):
    page = report.html(replace(material, link=link))
    assert ("works only on the machine" in page) is told


@pytest.mark.parametrize("text", NASTY)
def test_the_table_for_latex_is_balanced_whatever_a_model_is_called(material, text):
    subjects = [replace(s, title=text) for s in material.subjects]
    table = report.latex(subjects, material.against)
    bare = re.sub(r"\\[&%$#_{}\\]|\\text[a-z]+\{\}", "", table)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not re.search(r"(?<!\$)\^|[~%#_]|\n\n|\\input", bare)
    rows = [line for line in table.split("\n") if line.endswith(r" \\")]
    columns = {len(re.findall(r"(?<!\\)&", row)) for row in rows}
    assert len(rows) == 4
    assert (r"$^\dagger$:" in table) is (table.count(r"$^\dagger$") > 0)
    assert len(columns) == 1
    assert table.count(r"\begin{tabular}") == table.count(r"\end{tabular}") == 1


def test_a_report_of_nobody_is_still_a_page(material):
    empty = replace(material, subjects=[], against=None)
    assert "Settings" in report.html(empty)
    assert report.latex([], None).count("tabular") == 2


def test_the_tables_of_a_page_are_balanced_in_latex_and_one_table_in_csv():
    one = pd.DataFrame({"step": ["a & b", "→ −1 %"], "nDCG": [0.5, float("nan")], "n": [3, 3]})
    parts = (
        Section("First", ("Said once.", "First."), one),
        Section("No table"),
        Section("Other", (), pd.DataFrame({"step": ["x"], "low": [-0.25]})),
    )
    table = report.latex_tables(parts)
    assert table.count(r"\begin{tabular}") == table.count(r"\end{tabular}") == 2
    assert r"a \& b & 0.5 & 3 \\" in table
    assert r"$\to$ $-$1 \% & -- & 3 \\" in table
    assert r"x & $-$0.25 \\" in table
    assert table.count("First.") == 1
    assert report.latex_tables(parts[1:2]) == ""
    rows = rows_of(parts)
    assert list(rows.columns) == ["table", "step", "nDCG", "n", "low"]
    assert rows.iloc[2].tolist() == ["Other", "x", "", "", -0.25]
    assert rows["n"].tolist() == [3, 3, ""]
    assert rows_of(parts[1:2]).empty


def test_a_dagger_of_the_latex_table_is_explained_in_its_caption(material):
    better = {k: replace(d, verdict="BETTER") for k, d in material.against.differences.items()}
    table = report.latex(material.subjects, replace(material.against, differences=better))
    caption = table[table.index(r"\caption") : table.index(r"\begin{tabular}")]
    assert r"$^\dagger$: better than the same student trained on labels alone" in caption
    assert "p < 0.05" in caption
    assert "n = 100 pairs" in caption


def test_the_table_of_all_metrics_marks_those_of_probabilities_made_here(material):
    teacher, student, _ = material.subjects
    table = metrics_table([replace(teacher, made_here=["nll", "ece_mass"]), student])
    made = table[table["made_here"]]
    assert set(made["role"]) == {"teacher"}
    assert len(made) == 2
    values = [teacher.evaluation.metrics[key].value for key in ("nll", "ece_mass")]
    assert sorted(made["value"]) == pytest.approx(sorted(values))
    assert len(table) == 2 * len(student.evaluation.metrics)


def test_a_saved_state_that_is_broken_says_what_is_wrong():
    for content, word in (
        (b"\xff", "not JSON"),
        (b"[1]", "holds no state"),
        (b'{"page": "compare"}', "holds no state"),
        (b" " * 200_000, "at most 100,000"),
        (b"[" * 90_000, "not JSON"),
    ):
        with pytest.raises(ValueError, match=word):
            state_file.read(content)


def test_a_saved_state_names_each_part_that_cannot_be_read():
    content = b'{"page": "kitchen", "state": {"v": "1", "T": 3, "k": "7"}}'
    page, query, problems = state_file.read(content)
    assert (page, query) == ("start", {"v": "1", "k": "7"})
    assert ["kitchen" in problems[0], "T: '3'" in problems[1]] == [True, True]
