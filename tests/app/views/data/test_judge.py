"""The card "Judge with a language model": prompts go out, answers come back, a report."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from app import services
from kdcore.data.answers.stored import brought_to
from kdcore.data.judge.requests import pair_ids, requests
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY
from kdcore.workspace import Workspace
from tests.app.visitor import press, texts, visit


@pytest.fixture
def home(tmp_path, monkeypatch) -> Workspace:
    """A workspace with the 80 labelled pairs of the data set `ads`, beside an empty demo."""
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "demo"))
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    ads().save(tmp_path / "demo" / "data" / "world")
    ads().save(tmp_path / "home" / "data" / "ads")
    services.sources.clear()
    return Workspace(tmp_path / "home")


def ads() -> PairTable:
    query = [f"lamp {k // 4}" for k in range(80)]
    frame = make_frame(query, [f"offer {k}" for k in range(80)], [""] * 80, [0, 1] * 40, "test")
    return PairTable(frame, BINARY, "ads", "Invented.")


def page() -> AppTest:
    return visit("data", dtab="score", data="ads")


def answered(at: AppTest, lines: list[dict[str, object]]) -> AppTest:
    content = "\n".join(map(json.dumps, lines)).encode()
    uploader = next(u for u in at.get("file_uploader") if u.key.startswith("upload_judge"))
    uploader.upload("answers.jsonl", content, "text/plain")
    return at.run()


def test_uploaded_grades_are_reported_and_imported_as_the_teacher(home):
    names = pair_ids(ads())
    lines: list[dict[str, object]] = [
        {"id": name, "grade": "Good" if k % 2 else "Bad"} for k, name in enumerate(names[:60])
    ]
    lines += [{"id": names[60], "answer": "I cannot say"}, {"id": "of another", "grade": "Bad"}]
    at = answered(page(), lines)
    assert not at.exception
    said = texts(at)
    for sentence in (
        "60 of 80 pairs",
        "Refusals: 1 (the answer names no grade: 1)",
        "Answers with an unknown id: 1",
        "Pairs without an answer: 20 of 80",
        "Agreement of the judge with the labels: 60 pairs of 15 queries",
        "Same grade 1.000",
        "I cannot say",
    ):
        assert sentence in said.replace("**", "")
    press(at, "Import the grades of LLM judge")
    assert "Imported the grades of LLM judge as a teacher" in texts(at)
    assert "Distill from the scores of LLM judge" in [button.label for button in at.button]
    (stored,) = brought_to(home, "ads", ads().content_hash)
    assert stored.origin is not None
    assert (stored.model, stored.origin.role, stored.whole) == ("LLM judge", "teacher", False)
    assert at.query_params["teacher"] == f"brought:{stored.path.stem}"


def test_the_prompts_to_download_hold_whole_queries_and_an_estimate_of_tokens(home):
    at = page()
    limit = next(n for n in at.number_input if n.label == "Pairs at most")
    limit.set_value(10).run()
    assert "8 pairs of 2 queries" in texts(at)
    prompts = requests(ads(), limit=10)
    tokens = -(-sum(len(each.prompt.encode()) for each in prompts) // 4)
    assert f"about {tokens:,} tokens" in texts(at)


def test_a_rubric_without_the_title_is_refused_on_the_page(home):
    at = page()
    at.text_area(key="data_judge_rubric").set_value("Grade {query}").run()
    assert "it lacks {title}" in texts(at)


def test_nothing_can_be_uploaded_where_the_lab_is_public(home, monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    at = page()
    uploader = next(u for u in at.get("file_uploader") if u.key.startswith("upload_judge"))
    assert uploader.proto.disabled
