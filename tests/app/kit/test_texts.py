"""Texts of the data are shown, never run."""

import csv

import pandas as pd
import pytest

from app.kit import texts

NASTY = "<script>alert(1)</script> ![x](http://a/b.png) $a$ :red[x] **b** `c` =1+1"


def test_markdown_sees_no_mark_in_a_text_of_the_data():
    shown = texts.md(NASTY)
    for mark in "<>![](*`$:=":
        assert f"\\{mark}" in shown or mark not in NASTY
    assert "\n" not in texts.md("a\n# b")


def test_a_plotly_label_shows_tags_as_text():
    assert texts.plot("<b>x</b> & y") == "&lt;b&gt;x&lt;/b&gt; &amp; y"


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("BETTER", "▲ BETTER than its twin"),
        ("WORSE", "▼ WORSE than its twin"),
        ("INCONCLUSIVE", "≈ INCONCLUSIVE against its twin"),
        ("TOO FEW SEEDS", "TOO FEW SEEDS against its twin"),
    ],
)
def test_a_verdict_names_its_opponent(word, shown):
    assert texts.verdict(word, "its twin") == shown


def test_a_small_chance_is_not_written_as_none():
    shown = [texts.by_chance(value) for value in (0.001, 0.0001, 0.0)]
    assert shown == ["0.1 %", "0.010 %", "0.0 %"]


def test_a_csv_is_plain_tells_what_it_was_made_from_and_runs_in_no_spreadsheet():
    made = texts.csv(pd.DataFrame({"title": ["=1+1", "plain"], "p": [0.5, -1.0]}), "data=abc")
    names, first, second = made.splitlines()
    assert names == "title,p,made_from"
    assert first == "'=1+1,0.5,data=abc"
    assert second == "plain,-1.0,data=abc"


def test_what_a_csv_was_made_from_stays_one_cell_and_a_column_name_runs_nothing():
    said = 'said "Go, [MASK]";=HYPERLINK("http://e","x")'
    made = texts.csv(pd.DataFrame({"=x": [1]}), said)
    assert list(csv.reader(made.splitlines())) == [["'=x", "made_from"], ["1", said]]
    assert texts.csv(pd.DataFrame({"x": [1]}), "=1\n+1").splitlines()[1] == "1,'=1 +1"
