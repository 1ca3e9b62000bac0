"""The card of stored logits: the bundled measurement, read as a visitor reads it."""

import json
from pathlib import Path

from app.services import access
from tests.app.views.masked_word.conftest import run

ASSET = Path(access.ASSETS) / "measured" / "topk.json"


def card() -> None:
    from app.views.masked_word import topk

    topk.draw()


def test_every_measured_k_is_drawn_with_both_ways_to_treat_the_rest(shown, result):
    figure = json.loads(shown.get("plotly_chart")[0].proto.spec)
    traces = {trace["name"]: trace for trace in figure["data"]}
    assert [row["k"] for row in result["rows"]] == [1, 2, 5, 20, 100, result["classes"]]
    assert traces["dropped words zero"]["x"] == ["1", "2", "5", "20", "100", "all 1,000"]
    assert {"dropped words spread evenly", "the teacher", "learned from labels only"} <= set(traces)


def test_the_sentence_names_the_cheapest_store_that_is_enough(shown, result):
    sentence, whole = shown.text[0].value, result["rows"][-1]["uniform"]
    enough = next(
        row
        for row in result["rows"]
        if row["zero"]["accuracy"]["high"] >= whole["accuracy"]["value"]
        and row["zero"]["loss"]["low"] <= whole["loss"]["value"]
    )
    assert f"the {enough['k']} largest of {result['classes']:,} logits" in sentence
    assert f"{enough['bytes_per_position']} bytes per hidden word instead of 2,000" in sentence
    assert f"n = {whole['accuracy']['n']:,}" in shown.caption[0].value


def test_more_logits_hold_more_and_lose_less(result):
    rows = result["rows"]
    kept, lost = ([row[name]["value"] for row in rows] for name in ("kept_mass", "kl"))
    assert kept == sorted(kept)
    assert lost == sorted(lost, reverse=True)
    for row in rows:
        assert row["bytes_per_position"] == (6 * row["k"] + 2 if row is not rows[-1] else 2000)


def test_without_a_measurement_the_card_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setattr(access, "ASSETS", tmp_path)
    app = run(card)
    assert "`kdlab masked measure --stores`" in app.caption[0].value
