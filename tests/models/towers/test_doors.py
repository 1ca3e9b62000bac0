"""An encoder that cannot work as a tower is refused before training, with a cure."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from kdcore.config import ModelConfig
from kdcore.errors import DataError
from kdcore.models.build import new_model
from tests.models.towers.conftest import PAIRS, load


def change_weights(folder, change):
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})
    return folder


def change_config(folder, **more):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | more))
    return folder


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_as_float32_and_told(dtype, craft):
    model = load(craft("roberta", dtype=dtype))
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert "weights are stored in half precision and read as float32" in model.notes[0]


def test_a_tokenizer_larger_than_the_table_is_refused(craft):
    folder = craft("bert", vocab_size=20)
    with pytest.raises(DataError, match=r"up to \d+ and its encoder has embeddings for 20; put"):
        load(folder)


def test_a_weight_that_is_no_number_is_named(craft):
    def poison(weights):
        weights["layers.1.attn.Wo.weight"][0, 0] = np.nan
        return weights

    folder = change_weights(craft("modernbert"), poison)
    with pytest.raises(
        DataError, match=r"layers\.1\.attn\.Wo\.weight holds 1 values .* take another"
    ):
        load(folder)


def test_prefixes_of_torch_compile_are_taken_off_and_told(craft):
    folder = craft("distilbert")
    weight = load(folder).towers[0].encoder.get_input_embeddings().weight
    change_weights(folder, lambda w: {f"_orig_mod.{name}": tensor for name, tensor in w.items()})
    model = load(folder)
    assert torch.equal(model.towers[0].encoder.get_input_embeddings().weight, weight)
    assert "the prefix that torch.compile or DataParallel writes was taken off" in model.notes[0]


def test_code_of_its_own_is_refused_and_not_run(craft):
    folder = craft()
    (folder / "code.py").write_text("raise SystemExit('code of the checkpoint was run')")
    change_config(
        folder, model_type="mine", auto_map={"AutoConfig": "code.C", "AutoModel": "code.M"}
    )
    with pytest.raises(DataError, match=r"needs code of its own .* choose an encoder"):
        load(folder)


def test_weights_that_are_a_pickle_alone_are_not_opened(craft):
    folder = craft()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"pytorch_model\.bin alone, a pickle, .* save_pretrained"):
        load(folder)


def test_weights_of_another_network_are_refused(craft):
    folder = change_weights(craft(), lambda w: {k: t for k, t in w.items() if "layer.2" not in k})
    with pytest.raises(DataError, match=r"missing 16 weights of its encoder .* fetch both again"):
        load(folder)


def test_a_folder_without_a_tokenizer_is_refused(craft):
    folder = craft("xlm-r")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(DataError, match=r"put its own tokenizer\.json"):
        load(folder)


def test_a_sentencepiece_model_alone_is_refused_with_the_line_that_turns_it(craft):
    folder = craft("xlm-r")
    (folder / "tokenizer.json").rename(folder / "sentencepiece.bpe.model")
    with pytest.raises(DataError, match=r"sentencepiece\.bpe\.model alone.* writes the tokenizer"):
        load(folder)


def test_a_tokenizer_without_padding_token_pads_with_its_separator_and_that_is_told(craft):
    folder = craft("xlm-r")
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    settings.pop("pad_token")
    path.write_text(json.dumps(settings))
    model = load(folder)
    assert model.units.tokenizer.pad_token == "</s>"
    assert any("no padding token; its separator pads" in note for note in model.notes)


def test_texts_of_another_language_are_refused(craft):
    chinese = replace(PAIRS, frame=PAIRS.frame.assign(query="蓝牙耳机", title="新款无线"))
    with pytest.raises(DataError, match="cannot read them"):
        new_model(ModelConfig.parse(f"twinbert_cos:from={craft()}"), chinese)
