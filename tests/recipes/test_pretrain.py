"""Pretraining: what is hidden and what is asked, what a model that starts from it takes over."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, BertForPreTraining

from kdcore import lab
from kdcore.config import ModelConfig, PretrainConfig, TrainingConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError, DataError, RunError
from kdcore.models.batches import Encoded, make_batch
from kdcore.models.build import load_model, new_model
from kdcore.models.packed import pad_packed
from kdcore.models.pretrained.reader import PretrainedReader
from kdcore.models.tokens.masking import Masking
from kdcore.objectives.hard import hidden_words
from kdcore.recipes.pretrain import CPU, HiddenWordsAndNextAd, pretraining_batch, with_foreign_ads
from kdcore.runs.store import Run, RunStore
from kdcore.training.checks import starting_model
from kdcore.workspace import Workspace

from .conftest import KINDS, created, distillation, finetuning, kill_before_step, lines, weights

BERT = ModelConfig.parse(KINDS["bert"])


def pretraining(**changes: Any) -> PretrainConfig:
    """Four epochs of two or six steps on the log."""
    knobs = {k: changes.pop(k) for k in list(changes) if k in TrainingConfig.__dataclass_fields__}
    usual: dict[str, Any] = {"data": "invented", "threads": 1, "device": "cpu", "model": BERT}
    training = TrainingConfig(**({"epochs": 4, "batch_size": 8, "learning_rate": 5e-3} | knobs))
    return PretrainConfig(training=training, **(usual | changes))


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory, pairs: PairTable) -> Run:
    """A finished pretraining, alone in its workspace."""
    workspace = Workspace(tmp_path_factory.mktemp("pretrained"))
    pairs.save(workspace.data_folder("invented"))
    return lab.start(pretraining(split="train+log"), workspace)


def home_of(run: Run) -> Workspace:
    """The workspace of a run."""
    return Workspace(run.folder.parents[1])


def reader(pairs: PairTable, **knobs: Any) -> tuple[PretrainedReader, Encoded]:
    """An untrained reader, and the pairs as it reads them."""
    params = replace(BERT.params, dropout=0.0, **knobs)
    model = PretrainedReader.of(new_model(replace(BERT, params=params), pairs))
    return model, model.read(pairs)


def test_half_of_the_ads_are_those_of_another_query_of_the_batch() -> None:
    query_of, ad_of = np.repeat(np.arange(5), 4), np.arange(20)
    pairs = Encoded(None, query_of, ad_of, together=True)  # type: ignore[arg-type]
    seen = set()
    for seed in range(200):
        ads, foreign = with_foreign_ads(pairs, np.random.default_rng(seed))
        assert foreign.sum() == 10
        own = query_of[ads] == query_of
        assert np.array_equal(own, foreign == 0)
        assert np.array_equal(ads[own], ad_of[own])
        seen |= {(int(q), int(a)) for q, a in zip(query_of[~own], ads[~own], strict=True)}
    assert len(seen) == 20 * 4 * 4 / 4  # every ad of the four other queries, for each of five


def test_pairs_of_one_query_keep_their_ads() -> None:
    pairs = Encoded(None, np.zeros(4, int), np.arange(4), together=True)  # type: ignore[arg-type]
    ads, foreign = with_foreign_ads(pairs, np.random.default_rng(0))
    assert ads.tolist() == [0, 1, 2, 3]
    assert foreign.tolist() == [0, 0, 0, 0]


def test_fifteen_in_a_hundred_tokens_are_hidden_eighty_ten_ten(pairs: PairTable) -> None:
    model, _ = reader(pairs)
    masking = Masking.of(model.units, CPU)
    torch.manual_seed(0)
    ids = torch.randint(masking.last_special + 1, len(model.units), (40_000,))
    read, labels = masking.hide(ids)
    hidden = labels != -100
    assert int(hidden.sum()) == 6_000
    assert torch.equal(labels[hidden], ids[hidden])
    assert torch.equal(read[~hidden], ids[~hidden])
    masked, same = read[hidden] == masking.mask, read[hidden] == ids[hidden]
    assert float(masked.float().mean()) == pytest.approx(0.8, abs=0.02)
    # of the 10 % other words a few are the same by chance
    assert float(same.float().mean()) == pytest.approx(0.1 + 0.1 / len(model.units), abs=0.015)


def test_no_token_type_tells_what_a_hidden_word_is(pairs: PairTable) -> None:
    """Types mark what both texts hold; computed before the hiding they would give words away."""
    model, encoded = reader(pairs)
    masking = replace(Masking.of(model.units, CPU), share=0.9)
    batch = pretraining_batch(encoded, np.zeros(len(encoded), dtype=np.int64), masking)
    packed = batch.packs[0]
    assert not (packed.segments[packed.ids == masking.mask] >= 2).any()
    whole = make_batch(encoded, np.arange(len(encoded))).packs[0]
    nothing = pretraining_batch(
        encoded, np.zeros(len(encoded), dtype=np.int64), replace(masking, share=0.0)
    ).packs[0]
    same = nothing.ids == whole.ids  # one word is hidden at least
    assert int((~same).sum()) <= 1
    assert int((nothing.segments != whole.segments).sum()) <= 2


def test_it_answers_as_transformers_own_pretraining_model(pairs: PairTable) -> None:
    model, encoded = reader(pairs)
    task = HiddenWordsAndNextAd(Masking.of(model.units, CPU), 1.0, seed=0)
    torch.manual_seed(3)
    batch = task.batch(encoded, np.arange(12))
    words, next_ad = model.eval().pretraining_logits(batch)
    ids, types, mask = pad_packed(batch.packs[0], 0)
    theirs = model.net(input_ids=ids, token_type_ids=types, attention_mask=mask.long())
    flat = theirs.prediction_logits[mask]
    torch.testing.assert_close(words, flat[batch.places], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(next_ad, theirs.seq_relationship_logits, rtol=1e-4, atol=1e-5)
    loss, parts = task.losses(model, batch)
    assert torch.equal(parts["masked"], hidden_words(words[None], batch.words[None]))
    assert loss.item() == pytest.approx(parts["masked"].item() + parts["next_ad"].item())


def test_a_run_shows_both_losses_and_what_it_gets_right_unseen(pretrained: Run) -> None:
    first, *_, last = [line for line in pretrained.metrics() if "validation_loss" in line]
    assert last["validation_masked"] < first["validation_masked"]
    assert 0 <= last["validation_next_ad_accuracy"] <= 1
    assert last["validation_masked_accuracy"] > first["validation_masked_accuracy"]
    best = min(line["validation_loss"] for line in pretrained.metrics() if "kept_step" in line)
    assert pretrained.saved_line["validation_loss"] == best
    assert {"masked", "next_ad"} <= next(x for x in pretrained.metrics() if "loss" in x).keys()
    assert "hidden words right" in (pretrained.folder / "README.md").read_text()
    assert not (pretrained.folder / "predictions").exists()


def test_a_note_names_the_pairs_that_were_learned_from(home: Workspace) -> None:
    params = replace(BERT.params, query_tokens=2)
    run = lab.start(pretraining(model=replace(BERT, params=params), epochs=1), home)
    notes = [note for note in run.notes if "longer than query_tokens" in note]
    assert [note.partition(" pairs of ")[2].split()[0] for note in notes] == ["log", "validation"]


def test_transformers_opens_its_folder_to_fill_in_words(pretrained: Run) -> None:
    for kind in (AutoModelForMaskedLM, BertForPreTraining):
        _, loading = kind.from_pretrained(pretrained.model_folder, output_loading_info=True)
        assert not loading["missing_keys"]


@pytest.mark.parametrize("kind", ["bert", "twin"])
def test_all_of_it_arrives_in_a_model_that_starts_from_it(
    kind: str, pretrained: Run, pairs: PairTable
) -> None:
    config = replace(ModelConfig.parse(KINDS[kind]), start_from=pretrained.id)
    store = RunStore(pretrained.folder.parent)
    source = starting_model(config, store, pairs)
    fresh = new_model(config, pairs, 0, source)
    assert fresh.units.tokenizer.get_vocab() == source.units.tokenizer.get_vocab()
    theirs = BertForPreTraining.from_pretrained(pretrained.model_folder).bert.state_dict()
    encoder = fresh.encoder if kind == "bert" else fresh.towers[0].bert
    mine = encoder.state_dict()
    same = [name for name in theirs if name in mine and torch.equal(mine[name], theirs[name])]
    assert {name for name in mine if "layer." in name or "word_emb" in name} <= set(same)
    start = lab.start(
        replace(finetuning(kind, learning_rate=1e-12, epochs=1), model=config), home_of(pretrained)
    )
    kept = load_model(start.model_folder)
    kept_encoder = (kept.encoder if kind == "bert" else kept.towers[0].bert).state_dict()
    table = "embeddings.word_embeddings.weight"
    torch.testing.assert_close(kept_encoder[table], theirs[table], rtol=0, atol=1e-6)


def test_it_goes_on_to_the_same_bytes_after_a_kill(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = pretraining(checkpoint_seconds=0, log_every=3)
    first = lab.start(config, home)
    killed = created(config, home)
    kill_before_step(6, killed, home, monkeypatch)
    lab.execute(killed, home)
    assert weights(first) == weights(killed)
    assert lines(first) == lines(killed)
    assert weights(lab.start(replace(config, seed=1), home)) != weights(first)


def test_whoever_wants_grades_of_it_is_told_what_to_do(pretrained: Run) -> None:
    home = home_of(pretrained)
    asks: list[Callable[[], object]] = [
        lambda: lab.evaluate(pretrained.id, workspace=home),
        lambda: lab.predict(pretrained.id, "lamp", "buy a lamp", workspace=home),
        lambda: lab.infer(pretrained.id, workspace=home),
        lambda: lab.distill(pretrained.id, workspace=home),
        lambda: lab.start(distillation(pretrained), home),
    ]
    runs = len(RunStore(home.runs).list())
    for ask in asks:
        with pytest.raises(RunError, match=f"gives no grades.*start_from=.*{pretrained.id}"):
            ask()
    assert len(RunStore(home.runs).list()) == runs


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"model": ModelConfig(name="cdssm")}, "reads query and ad separately"),
        ({"select_by": "roc_auc"}, "no grades to order by"),
        ({"replay_points": 3}, "no answers to replay"),
    ],
)
def test_settings_that_need_grades_are_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        pretraining(**changes)


def test_data_without_a_log_or_validation_are_refused_with_the_cure(
    home: Workspace, pairs: PairTable
) -> None:
    for splits, cure in (
        (["train", "validation", "test"], r"no unlabelled log.*--split train"),
        (["log"], "no validation pairs"),
    ):
        replace(pairs.only(splits), name="part").save(home.data_folder(f"part{len(splits)}"))
        with pytest.raises(DataError, match=cure):
            lab.start(pretraining(data=f"part{len(splits)}"), home)
