"""A pretraining in the app: its curves and numbers on Runs, no model to choose anywhere."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import services
from app.services import scoring
from app.views.distill.queries import runs as distill_runs
from app.views.runs import pretraining
from kdcore.config import PretrainConfig, to_dict
from kdcore.labels import BINARY
from kdcore.runs.record import Record
from kdcore.workspace import write_json_atomic
from tests.app.made_lab import make_lab
from tests.app.visitor import texts, visit
from tests.runs.made_runs import make_run

PLACES = ("compare", "ranking", "losses", "data")


def pretrained(runs: Path, name: str, pairs: int = 2000, words: float = 0.5) -> Path:
    """A finished pretraining that was validated twice."""
    folder = make_run(runs / name, to_dict(PretrainConfig()), auc=None, title=name, created=99.0)
    facts = {"kdlab": "0.1.0", "pairs": {"validation": [pairs, f"{pairs:016x}"]}}
    write_json_atomic(folder / "provenance.json", facts)
    card = {"kind": "bert", "scheme": BINARY.to_dict()}
    write_json_atomic(folder / "model" / "kdlab.json", card)
    lines = []
    for step, right in ((10, 0.2), (20, words)):
        lines.append({"step": step, "time": float(step), "epoch": step / 10, "loss": 4 - right})
        lines[-1] |= {"masked": 3.0, "next_ad": 0.7, "pairs_per_second": 100.0}
        seen = {"loss": 5 - right, "masked": 4 - right, "masked_accuracy": right, "words": 700.0}
        seen |= {"next_ad": 0.6 - right / 10, "next_ad_accuracy": 0.5 + right / 10}
        named = {f"validation_{key}": value for key, value in seen.items()}
        lines.append({"step": step, "time": step + 1.0, "kept_step": step} | named)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text)
    return folder


@pytest.fixture
def runs(lab: Path) -> Path:
    """The runs of a visitor: a teacher, a student and two pretrainings."""
    make_lab(lab / "demo")
    services.sources.clear()
    distill_runs.refresh_offers()
    pretrained(lab / "home" / "runs", "warm")
    pretrained(lab / "home" / "runs", "elsewhere", pairs=500, words=0.9)
    pretrained(lab / "home" / "runs", "warmer", words=0.6)
    return lab / "home" / "runs"


def page(name: str, **link: str) -> AppTest:
    at = visit(name, **link)
    assert not at.exception, at.exception
    return at


def test_the_curves_of_pretrainings_are_drawn_by_what_they_get_right(runs: Path) -> None:
    at = page("runs", rview="curves", rpretrain="masked_accuracy")
    spec = json.loads(at.get("plotly_chart")[-1].proto.spec)
    drawn = [line for line in spec["data"] if line["name"] != "Names"]
    assert sorted(line["y"][-1] for line in drawn) == [0.5, 0.6]
    assert spec["layout"]["yaxis"]["title"]["text"] == "validation: hidden words right"
    assert "Measured on 700 hidden words of the validation pairs" in texts(at)
    assert "Left out: elsewhere (other validation pairs" in texts(at)


def test_of_losses_the_lowest_is_the_best_and_of_right_answers_the_highest() -> None:
    curves = [
        pretraining.Curve(name, name, name, "", [(10, 1.0), (20, last)])
        for name, last in (("low", 0.2), ("high", 0.8))
    ]
    assert "best at its last step is low: 0.200" in pretraining.sentence(curves, "next_ad")
    assert "is high: 0.800 at step 20" in pretraining.sentence(curves, "next_ad_accuracy")


def test_one_pretraining_shows_its_right_answers_with_n_and_offers_no_export(runs: Path) -> None:
    at = page("runs", rview="one", ropen="warm")
    assert "nan" not in texts(at)
    assert not [b for b in at.button if "xport" in b.label and "ONNX" in b.label]


def test_distill_follows_a_pretraining_by_its_hidden_words(runs: Path) -> None:
    Record(state="running", title="warm", created=99.0, step=20, total_steps=40).write(
        runs / "warm"
    )
    at = page("distill", run="warm")
    sentence = "The pretraining is at step 20 of 40: share of hidden validation words right 0.500."
    assert sentence in texts(at)
    assert not at.error


def test_distill_says_that_a_finished_pretraining_gives_no_grades(runs: Path) -> None:
    at = page("distill", run="warm")
    assert "gives no grades" in texts(at)
    assert not at.error


def test_no_page_offers_a_pretraining_as_a_model(runs: Path) -> None:
    assert "warm" not in {source.key for source in services.sources()}
    assert "warm" not in {model.key for model in scoring.models()}
    assert "warm" not in {str(teacher) for teacher in distill_runs.teachers()}
    for place in PLACES:
        at = page(place)
        options = [str(o) for box in (*at.selectbox, *at.multiselect) for o in box.options]
        assert not [option for option in options if "warm" in option], place
