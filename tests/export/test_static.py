"""Static embeddings are the tower's own vectors of single tokens, reduced, weighted and priced."""

from pathlib import Path

import numpy as np
import pytest

from kdcore.config import ModelConfig
from kdcore.export import foreign
from kdcore.export.foreign import unit_vectors
from kdcore.export.formats import STATIC
from kdcore.export.static import WEIGHTS, _reduced, _zipf, embed, static_of, token_vectors
from kdcore.export.student import export_student
from kdcore.models.build import load_model
from tests.models.pretrained.folders import sentence_folder

from .conftest import Make
from .test_families import encoder


@pytest.mark.parametrize("kind", ["twin weighted", "twin cls", "pretrained_cos"])
def test_a_tokens_vector_is_what_the_tower_makes_of_it_alone(
    make: Make, tmp_path: Path, kind: str
) -> None:
    config = None
    if kind == "pretrained_cos":
        place = sentence_folder(encoder(tmp_path / "encoder", "distilbert"), "cls")
        config = ModelConfig(name=kind, checkpoint=str(place))
    model = load_model(make(kind, config=config).model_folder)
    word = model.units.encode(["kettle lamp"])
    texts = [model.units.tokenizer.decode([i]) for i in word.flat if i > 4]
    known = [t for t in texts if len(model.units.encode([t]).flat) == 1]
    assert known
    vectors = token_vectors(model)  # type: ignore[arg-type]
    for text in known:
        (own,), _ = unit_vectors(model, [(text, "a", "")])  # type: ignore[arg-type]
        alone = vectors[model.units.encode([text]).flat[0]]
        np.testing.assert_allclose(alone / np.linalg.norm(alone), own, atol=1e-6)


def test_the_reduced_vectors_are_centred_and_keep_every_angle_where_width_allows() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 6)) * [9, 5, 3, 2, 1, 0.5]
    reduced = _reduced(vectors)
    centred = vectors - vectors.mean(axis=0)
    np.testing.assert_allclose(reduced @ reduced.T, centred @ centred.T, atol=1e-9)
    assert list(np.argsort(-reduced.var(axis=0))) == [0, 1, 2, 3, 4, 5]


def test_probabilities_follow_zipf_by_rank() -> None:
    p = _zipf(np.array([2, 7, 2, 0]))
    np.testing.assert_allclose(p, np.array([1 / 2, 1, 1 / 3, 1 / 4]) / (25 / 12))


def test_a_text_is_the_unit_mean_of_its_tokens_and_nothing_has_no_direction(make: Make) -> None:
    model = load_model(make("twin weighted").model_folder)
    ids = model.units.encode(["red lamp"]).flat
    table = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    vectors = embed(table, model, ["red lamp", ""])  # type: ignore[arg-type]
    mean = table[ids].mean(axis=0)
    np.testing.assert_allclose(vectors[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert not vectors[1].any()


def test_a_static_export_tells_its_loss_and_that_the_figures_are_the_runs(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "is_installed", lambda: False)
    run = make("twin weighted")
    made = export_student(run, tmp_path / "out", form=STATIC)
    static = static_of(run, load_model(run.model_folder))  # type: ignore[arg-type]
    assert static.chosen
    assert static.a in WEIGHTS
    assert made.price is not None
    assert made.price.loss is not None
    assert made.sentence.startswith("Not checked: sentence-transformers is not installed")
    assert f"a = {static.a:g}, chosen on the validation pairs" in made.sentence
    assert made.price.sentence in made.sentence
    card = (tmp_path / "out" / "README.md").read_text()
    assert "These are the figures of the run that it was made from" in card
    assert made.price.sentence in card
