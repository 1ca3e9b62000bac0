"""What cannot be carried out is refused before a run is made; what is not whole is told."""

from pathlib import Path
from typing import Any

import pytest
from transformers import BertConfig, BertModel

from kdcore import lab
from kdcore.config import InferConfig, ModelConfig
from kdcore.errors import LabError
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import distillation, finetuning


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"device": "cuda:9"}, "device"),
        ({"model": ModelConfig(name="checkpoint", checkpoint="./nosuch")}, "no such folder"),
        ({"model": ModelConfig(name="checkpoint", checkpoint="/no/such")}, "no such folder"),
        ({"model": ModelConfig.parse("cdssm"), "data": "nosuch"}, "nosuch"),
        ({"model": ModelConfig(name="bert", start_from="nosuch")}, "no run is called"),
    ],
)
def test_a_setting_that_cannot_be_carried_out_leaves_no_run(
    changes: dict[str, Any], reason: str, home: Workspace
) -> None:
    with pytest.raises(LabError, match=reason):
        lab.start(finetuning(**changes), home)
    assert lab.store(home).list() == []


def test_an_unusable_checkpoint_leaves_no_run(home: Workspace, tmp_path: Path) -> None:
    BertModel(BertConfig(vocab_size=9, hidden_size=8, num_attention_heads=2)).save_pretrained(
        tmp_path / "bare"
    )
    model = ModelConfig(name="checkpoint", checkpoint=str(tmp_path / "bare"))
    with pytest.raises(LabError, match="tokenizer"):
        lab.start(finetuning(model=model), home)
    assert lab.store(home).list() == []


def test_a_split_or_a_transfer_set_that_is_not_there_leaves_no_run(
    home: Workspace, teacher: Run
) -> None:
    labelled = lab.pairs_of(finetuning(), home).only(("train", "validation", "test"))
    labelled.save(home.data_folder("labelled"))
    before = lab.store(home).list()
    with pytest.raises(LabError, match="no split 'nope'"):
        lab.start(InferConfig(run=teacher.id, data="invented", splits=("nope",)), home)
    with pytest.raises(LabError, match="no split 'log'"):
        lab.start(distillation(teacher, transfer="log", data="labelled"), home)
    assert lab.store(home).list() == before


def test_what_was_replaced_and_cut_stands_in_the_run(home: Workspace, tmp_path: Path) -> None:
    pairs = lab.pairs_of(finetuning(), home)
    units = WordPiece.train([*pairs.frame["query"], *pairs.frame["title"]], 200)
    config = BertConfig(
        vocab_size=len(units),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(tmp_path / "x")
    units.save(tmp_path / "x")
    params = {"query_tokens": 2, "ad_tokens": 2}
    model = ModelConfig(name="checkpoint", checkpoint=str(tmp_path / "x"), params=params)
    run = lab.start(finetuning(model=model, epochs=1), home)
    notes = "\n".join(run.notes)
    assert "its files hold no head" in notes
    for split in ("train", "validation", "test"):
        assert f"pairs of {split} " in notes
    assert "longer than ad_tokens = 2 tokens" in notes
    card = (run.folder / "README.md").read_text()
    assert all(note in card for note in run.notes)
    assert lab.store(home).get(run.id).notes == run.notes
