"""A folder of sentence-transformers is read as it was meant, or refused with a way out."""

import json
from pathlib import Path
from typing import Any

import pytest

from kdcore.errors import DataError
from kdcore.models.towers.reading import Reading, read_source
from tests.models.pretrained.folders import sentence_folder
from tests.models.towers.conftest import load

POOLING = "1_Pooling/config.json"


class Knobs:
    """Knobs that leave everything to the folder."""

    pooling, query_prompt, ad_prompt = "folder", "", ""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder whose files hold no weights: reading needs none."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 16}))
    return tmp_path


def reading(folder: Path, **knobs: str) -> Reading:
    settings = type("Changed", (Knobs,), knobs)
    return read_source(str(folder), settings).reading


def change(path: Path, **more: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


def test_a_plain_encoder_is_read_as_the_mean_of_its_tokens(bare):
    assert reading(bare) == Reading(pooling="mean", normalize=False)


@pytest.mark.parametrize(
    ("written", "pooling"),
    [("cls", "cls"), ("mean", "mean"), ("max", "max"), ("lasttoken", "last")],
)
def test_pooling_is_read_as_old_and_new_versions_write_it(written, pooling, bare):
    assert reading(sentence_folder(bare, written)).pooling == pooling
    newer = {"embedding_dimension": 16, "pooling_mode": written, "include_prompt": True}
    assert reading(sentence_folder(bare, newer)).pooling == pooling


def test_a_knob_replaces_a_pooling_that_the_lab_does_not_know(bare):
    both = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
    sentence_folder(bare, both)
    with pytest.raises(DataError, match=r"pools its tokens by cls and mean.* set pooling to cls"):
        reading(bare)
    assert reading(bare, pooling="cls").pooling == "cls"
    sentence_folder(bare, {"pooling_mode": "weightedmean"})
    with pytest.raises(DataError, match="pools its tokens by weightedmean"):
        reading(bare)


def test_prompts_are_found_by_the_names_that_the_ecosystem_gives_them(bare):
    sentence_folder(bare, prompts={"query": "q: ", "passage": "p: ", "corpus": "c: "})
    assert (reading(bare).query_prompt, reading(bare).ad_prompt) == ("q: ", "p: ")
    sentence_folder(bare, prompts={"usual": "u: ", "document": ""})
    change(bare / "config_sentence_transformers.json", default_prompt_name="usual")
    assert (reading(bare).query_prompt, reading(bare).ad_prompt) == ("u: ", "")


def test_prompts_that_pooling_leaves_out_are_refused_unless_none_is_put(bare):
    sentence_folder(bare, {"pooling_mode": "mean", "include_prompt": False}, prompts={"query": "q"})
    with pytest.raises(DataError, match="set query_prompt and ad_prompt to none"):
        reading(bare)
    assert reading(bare, query_prompt="none").query_prompt == ""


def test_weights_in_a_folder_of_the_first_versions_are_found(craft):
    folder = sentence_folder(craft())
    inner = folder / "0_BERT"
    inner.mkdir()
    for path in folder.glob("*"):
        if path.is_file() and path.name != "modules.json":
            path.rename(inner / path.name)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = "0_BERT"
    (folder / "modules.json").write_text(json.dumps(modules))
    assert load(folder).reading.longest == 64


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        (["sentence_transformers.models.Transformer", "custom_st.Pooling"], "code of its own"),
        (["sentence_transformers.models.StaticEmbedding"], "a module StaticEmbedding"),
        (["sentence_transformers.models.Transformer"] * 2, "a second Transformer"),
        (
            [f"sentence_transformers.models.{k}" for k in ("Transformer", "Dense", "Pooling")],
            "in the order Transformer, Pooling, Dense",
        ),
    ],
)
def test_modules_that_the_lab_does_not_know_are_refused(kinds, reason, bare):
    listed = [{"path": f"{i}_x" if i else "", "type": kind} for i, kind in enumerate(kinds)]
    (bare / "modules.json").write_text(json.dumps(listed))
    with pytest.raises(DataError, match=reason):
        reading(bare)


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"activation_function": "torch.nn.modules.activation.GELU"}, "dense layer \\(GELU\\)"),
        ({"module_input_name": "token_embeddings"}, "of a kind that the lab does not know"),
        ({"use_residual": True}, "of a kind that the lab does not know"),
    ],
)
def test_a_dense_layer_of_another_kind_is_refused(about, reason, craft):
    folder = sentence_folder(craft(), dense=8)
    change(folder / "2_Dense/config.json", **about)
    with pytest.raises(DataError, match=reason):
        reading(folder)


def test_a_dense_layer_that_is_a_pickle_is_not_opened(craft):
    folder = sentence_folder(craft(), dense=8)
    (folder / "2_Dense/model.safetensors").rename(folder / "2_Dense/pytorch_model.bin")
    with pytest.raises(DataError, match=r"as a pickle alone .* save it again"):
        reading(folder)


@pytest.mark.parametrize("file", ["modules.json", POOLING, "sentence_bert_config.json"])
def test_a_damaged_file_is_named(file, bare):
    sentence_folder(bare)
    (bare / file).write_text("{")
    with pytest.raises(DataError, match=rf"a damaged {file} .* fetch it again"):
        reading(bare)
