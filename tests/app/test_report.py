"""The saved report and the table for LaTeX: texts of data stay texts, nothing is fetched."""

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from app import report, texts
from app.report import Material, Subject
from kdcore.comparison import compare
from kdcore.evaluate import evaluate
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
         "table", "tr", "th", "td", "svg", "text", "polyline"}  # fmt: skip
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
    return replace(material, finding=text, link=text, data=text, data_hash=text, subjects=subjects)


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
    assert len(columns) == 1
    assert table.count(r"\begin{tabular}") == table.count(r"\end{tabular}") == 1


def test_a_report_of_nobody_is_still_a_page(material):
    empty = replace(material, subjects=[], against=None)
    assert "no twin" in report.html(empty)
    assert report.latex([], None).count("tabular") == 2


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+1", "-1", "\t=1", "＝1", " =1"])
def test_a_cell_that_a_spreadsheet_would_run_is_saved_behind_an_apostrophe(text):
    saved = texts.csv(pd.DataFrame({"query": [text], "n": [-1]}), "data=world\nabc")
    head, rest = saved.split("\n", 1)
    assert head == "# data=world abc"
    cell = next(csv.DictReader(StringIO(rest)))
    assert cell == {"query": "'" + text, "n": "-1"}
