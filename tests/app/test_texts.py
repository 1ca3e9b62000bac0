"""Texts of the data are shown, never run."""

import pandas as pd

from app import texts

NASTY = "<script>alert(1)</script> ![x](http://a/b.png) $a$ :red[x] **b** `c` =1+1"


def test_markdown_sees_no_mark_in_a_text_of_the_data():
    shown = texts.md(NASTY)
    for mark in "<>![](*`$:=":
        assert f"\\{mark}" in shown or mark not in NASTY
    assert "\n" not in texts.md("a\n# b")


def test_a_plotly_label_shows_tags_as_text():
    assert texts.plot("<b>x</b> & y") == "&lt;b&gt;x&lt;/b&gt; &amp; y"


def test_a_csv_has_its_hash_line_and_no_cell_that_a_spreadsheet_would_run():
    made = texts.csv(pd.DataFrame({"title": ["=1+1", "plain"], "p": [0.5, -1.0]}), "data=abc")
    head, names, first, second = made.splitlines()
    assert head == "# data=abc"
    assert names == "title,p"
    assert first == "'=1+1,0.5"
    assert second == "plain,-1.0"


def test_a_comment_line_stays_one_cell_and_a_column_name_runs_nothing():
    made = texts.csv(pd.DataFrame({"=x": [1]}), 'said "Go, [MASK]";=HYPERLINK("http://e","x")')
    head, names, _ = made.splitlines()
    assert not set(',;"') & set(head)
    assert names == "'=x"
