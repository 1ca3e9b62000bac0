"""Training only the embedding rows in use is the same training."""

import copy

import numpy as np
import pytest
import torch

from kdcore.models.predict import score
from kdcore.models.rows_in_use import RowsInUse

KINDS = ("bert", "twin weighted", "twin mean, two towers", "twin trigrams", "cdssm")


def steps(model, encoded, grades, rows, number=1):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0)
    for _ in range(number):
        out = model(model.batch(encoded, rows))
        torch.nn.functional.cross_entropy(out.logits, grades[rows]).backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("kind_", KINDS)
def test_training_narrow_equals_training_whole(make, pairs4, kind_):
    whole = make(kind_, pairs4, dropout=0.0).train()
    narrow = copy.deepcopy(whole)
    some = pairs4.take(np.arange(6))  # the rest of the vocabulary is never met
    grades, rows = torch.tensor(some.grades), np.array([4, 1, 0, 5])
    steps(whole, whole.read(some), grades, rows, number=3)
    encoded = narrow.read(some)
    in_use = RowsInUse(narrow, encoded.used())
    steps(narrow, encoded.mapped(in_use.table), grades, rows, number=3)
    in_use.widen()
    theirs = whole.state_dict()
    for name, weight in narrow.state_dict().items():
        torch.testing.assert_close(weight, theirs[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind_", KINDS)
def test_rows_out_of_use_come_back_untouched(make, pairs4, kind_):
    model = make(kind_, pairs4).train()
    some = pairs4.take(np.arange(6))
    encoded = model.read(some)
    before = [t.weight.detach().clone() for t in model.embeddings()]
    used = encoded.used()
    in_use = RowsInUse(model, used)
    assert all(len(t.weight) == len(used) for t in model.embeddings())
    steps(model, encoded.mapped(in_use.table), torch.tensor(some.grades), np.arange(6))
    in_use.widen()
    for old, table in zip(before, model.embeddings(), strict=True):
        others = np.setdiff1d(np.arange(len(old)), used)
        assert len(others)
        assert torch.equal(table.weight[others], old[others])
        assert not torch.equal(table.weight[used], old[used])


@pytest.mark.parametrize("kind_", KINDS)
def test_narrowing_and_widening_alone_change_nothing(make, pairs4, kind_, tmp_path):
    model = make(kind_, pairs4).eval()
    encoded = model.read(pairs4)
    before, _ = score(model, encoded, torch.device("cpu"))
    in_use = RowsInUse(model, encoded.used())
    narrow, _ = score(model, encoded.mapped(in_use.table), torch.device("cpu"))
    np.testing.assert_allclose(narrow, before, atol=1e-6)
    in_use.widen()
    np.testing.assert_allclose(score(model, encoded, torch.device("cpu"))[0], before, atol=1e-6)
    model.save(tmp_path)


def test_a_model_without_such_tables_keeps_its_numbers(make, pairs4, monkeypatch):
    model = make("bert", pairs4)
    monkeypatch.setattr(type(model), "embeddings", lambda self: [])
    encoded = model.read(pairs4)
    in_use = RowsInUse(model, encoded.used())
    assert encoded.mapped(in_use.table).tokens.flat.tolist() == encoded.tokens.flat.tolist()
