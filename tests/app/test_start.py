"""Start tells a newcomer what this place is and what the teacher was worth."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


@pytest.fixture
def start(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))
    return AppTest.from_file(MAIN, default_timeout=60).run()


def test_the_finding_names_share_interval_number_of_pairs_and_metric(start):
    said = start.text[0].value
    assert re.search(r"gap recovered \d+ % \[\d+, \d+\]", said)
    assert "over 10,000 pairs its ROC-AUC is" in said


def test_a_newcomer_is_told_what_teacher_and_student_are(start):
    told = " ".join(c.value for c in start.caption)
    assert "**teacher**" in told
    assert "**student**" in told


def test_no_name_on_offer_says_bundled_twice(start):
    assert start.selectbox(key="pick_data").options == ["Data: Bundled world"]
