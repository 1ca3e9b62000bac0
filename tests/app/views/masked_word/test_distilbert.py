"""The card of DistilBERT: the bundled measurement, read as a visitor reads it."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.services import access
from tests.app.views.masked_word.conftest import run

ASSET = Path(access.ASSETS) / "measured" / "distilbert.json"


def card() -> None:
    from app.views.masked_word import distilbert

    distilbert.draw()


def strip(app: AppTest) -> dict[str, dict]:
    """The cards by their labels."""
    parts = [part.proto for part in app.get("bidi_component")]
    [cards] = [part for part in parts if part.component_name == "kd_metric_cards"]
    return {each["label"]: each for each in json.loads(cards.json)["cards"]}


def test_each_number_stands_beside_the_papers_with_interval_n_and_definition(shown, result):
    cards = strip(shown)
    words, area = result["masked_words"]["kept"], result["roc_auc"]["kept"]
    assert cards["Masked words kept"]["value"] == f"{100 * words['value']:.1f} %"
    assert cards["ROC-AUC kept"]["value"] == f"{100 * area['value']:.1f} %"
    assert f"{words['n']:,}" in cards["Masked words kept"]["n"]
    for label in ("Masked words kept", "ROC-AUC kept", "Faster"):
        assert cards[label]["interval"].startswith("[")
    papers = [cards[label]["delta"] for label in ("Masked words kept", "Smaller", "Faster")]
    assert papers == ["paper, GLUE: 97 %", "paper: 40 %", "paper: 60 %"]
    assert all(each["definition"] for each in cards.values())
    assert any("`kdlab masked measure`" in each.value for each in shown.caption)


def test_the_card_begins_with_the_two_models_that_it_measured(shown, result):
    first = shown.caption[0].value
    for role, layers in (("teacher", 4), ("student", 2)):
        weights = f"{result['weights'][role]:,} weights"
        assert f"{role} of {layers} layers and {weights}" in first
    assert "not the two models above" in first


def test_the_size_is_counted_and_the_student_is_smaller(shown, result):
    weights = result["weights"]
    smaller = 1 - weights["student"] / weights["teacher"]
    assert smaller > 0
    assert strip(shown)["Smaller"]["value"] == f"{100 * smaller:.0f} %"


def test_the_ablation_leaves_out_one_loss_a_row_and_compares_it_with_all_three(shown, result):
    table = shown.dataframe[0].value
    assert list(table["student"]) == [row["change"] for row in result["ablation"]]
    assert table["student"][0] == "all three losses"
    assert table["losses"][0] == "soft labels, hidden words, cosine of last states"
    assert table["losses"][1] == "hidden words, cosine of last states"
    assert table["difference in points"][0] == "–"


def test_the_three_curves_of_one_run_are_drawn_from_its_metrics(result):
    import pandas as pd

    from app.kit.figures.language import loss_curves

    lines = pd.DataFrame(result["curves"])
    names = ["step", "soft", "mlm", "cosine"]
    figure = loss_curves(lines[names], dark=False)
    assert [trace.name for trace in figure.data] == names[1:]
    for trace in figure.data:
        assert list(trace.y) == list(lines[trace.name])


def test_without_a_measurement_the_card_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setattr(access, "ASSETS", tmp_path)
    app = run(card)
    assert "`kdlab masked measure`" in app.caption[0].value


@pytest.mark.parametrize("file", sorted(ASSET.parent.glob("*.json")), ids=lambda file: file.stem)
def test_no_measurement_names_a_path_of_the_machine_it_was_made_on(file):
    text = file.read_text(encoding="utf-8")
    assert not [place for place in ("/tmp", "/home", "/work") if place in text]
