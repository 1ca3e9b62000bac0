import json
import shutil
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, RobertaConfig, RobertaForMaskedLM

from kdcore import language
from kdcore.errors import LabError
from kdcore.language.model import MaskedModel

SNACKS = "Let's go to the [MASK] and buy some snacks!"


@pytest.fixture(scope="module")
def teacher(pair: Path) -> MaskedModel:
    return language.open_model(pair / "teacher")


@pytest.mark.parametrize("temperature", [0.05, 1, 3, 5])
def test_soft_labels_are_transformers_own_softmax(pair, teacher, temperature):
    net = AutoModelForMaskedLM.from_pretrained(pair / "teacher", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(pair / "teacher")
    ids = tokenizer(SNACKS, return_tensors="pt")
    gap = int((ids["input_ids"][0] == tokenizer.mask_token_id).nonzero())
    with torch.inference_mode():
        theirs = (net(**ids).logits[0, gap].double() / temperature).softmax(-1).numpy()
    filled = teacher.fill(SNACKS)
    ours = filled.soft(temperature)
    assert ours.sum() == pytest.approx(1)
    assert len(ours) == len(theirs) == len(tokenizer)
    for piece, number in list(tokenizer.get_vocab().items())[::7]:
        place = filled.place(piece)
        assert place is not None
        np.testing.assert_allclose(ours[place], theirs[number], rtol=1e-4, atol=1e-12)


def test_the_gap_may_be_written_otherwise_and_the_answer_stays(teacher):
    blank = teacher.fill(SNACKS.replace("[MASK]", "___"))
    np.testing.assert_array_equal(blank.logits, teacher.fill(SNACKS).logits)


def test_a_sentence_longer_than_the_model_reads_is_refused(teacher):
    with pytest.raises(LabError, match=r"has \d+ pieces, this model reads 128"):
        teacher.fill("go " * 150 + "[MASK]")


def test_a_second_gap_in_the_models_own_spelling_is_refused(pair, tmp_path):
    """Another model may spell its gap <gap>: what it reads counts, not what we look for."""
    shutil.copytree(pair / "student", tmp_path / "m")
    for file in (tmp_path / "m").glob("*.json"):
        file.write_text(file.read_text().replace("[MASK]", "[GAP]"))
    model = language.open_model(tmp_path / "m")
    assert model.fill(SNACKS).sentence == SNACKS
    with pytest.raises(LabError, match="more than one gap"):
        model.fill("The [MASK] has [GAP] today.")


def test_a_folder_that_is_no_masked_model_is_refused(tmp_path, pair):
    with pytest.raises(LabError, match="cannot be opened as a masked language model"):
        language.fill(tmp_path, SNACKS)
    with pytest.raises(LabError, match="no model is named"):
        language.fill(" ", SNACKS)
    shutil.copytree(pair / "student", tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").unlink()
    with pytest.raises(LabError, match="cannot be opened as a masked language model"):
        language.fill(tmp_path / "m", SNACKS)


def test_an_encoder_without_the_head_that_fills_gaps_is_refused(tmp_path, pair):
    """transformers would add an untrained head and answer with noise."""
    shutil.copytree(pair / "student", tmp_path / "m")
    net = AutoModelForMaskedLM.from_pretrained(tmp_path / "m")
    net.base_model.save_pretrained(tmp_path / "m")
    with pytest.raises(LabError, match="weights have no"):
        language.fill(tmp_path / "m", SNACKS)


def test_a_folder_that_asks_for_its_own_code_is_refused(tmp_path, pair):
    shutil.copytree(pair / "student", tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    config["model_type"] = "unheard-of"
    config["auto_map"] = {"AutoModelForMaskedLM": "code.Model", "AutoConfig": "code.Config"}
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    (tmp_path / "m" / "code.py").write_text("raise SystemExit('ran')")
    with pytest.raises(LabError, match="cannot be opened as a masked language model"):
        language.fill(tmp_path / "m", SNACKS)


def test_a_hub_id_without_a_network_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(LabError, match=r"the hub cannot be reached.* in a folder"):
        language.fill("nobody-here/no-such-model", SNACKS)


def test_a_path_that_is_not_there_is_told_as_a_missing_folder(tmp_path):
    with pytest.raises(LabError, match=r"there is no such folder: .*nothing-here"):
        language.fill(tmp_path / "nothing-here", SNACKS)


def test_a_word_spelled_by_letters_is_unknown_and_a_learned_one_is_not(teacher):
    filled = teacher.fill("We need a xylophone, so let's go to the [MASK].")
    assert "xylophone" in filled.unknown
    assert not {"We", "need", "go", "to", "the"} & set(filled.unknown)


def test_a_hub_model_is_fetched_without_pickles_and_a_folder_is_not(monkeypatch, tmp_path):
    asked = []

    def download(name, allow_patterns):
        asked.append(name)
        assert not any(fnmatch("pytorch_model.bin", pattern) for pattern in allow_patterns)
        raise OSError("the hub is away")  # loading tells it again, in words

    monkeypatch.setattr("kdcore.language.model.snapshot_download", download)
    monkeypatch.setattr("kdcore.hub.hub_answers", lambda: True)
    for source in (tmp_path, "", "somebody/some-model"):
        language.fetch(source)
    assert asked == ["somebody/some-model"]


def test_a_model_that_spells_its_gap_and_words_otherwise_answers_too(tmp_path):
    """RoBERTa writes <mask>, marks where words begin and keeps two positions for itself."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġgo", "Ġhome", "s", "!"]
    core = Tokenizer(models.BPE({p: i for i, p in enumerate(pieces)}, [], unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.ByteLevel()
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos": "<s>", "eos": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}
    tokens = {f"{k}_token": v for k, v in names.items()}
    PreTrainedTokenizerFast(tokenizer_object=core, **tokens).save_pretrained(tmp_path)
    config = RobertaConfig(
        vocab_size=12,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=20,
        pad_token_id=1,
    )
    RobertaForMaskedLM(config).save_pretrained(tmp_path)
    filled = language.fill(tmp_path, "s [MASK]!")
    assert {"go", "home", "##s", "!", "[unused 9]"} <= set(filled.words)
    with pytest.raises(LabError, match="this model reads 18"):
        language.fill(tmp_path, "s" * 30 + " [MASK]")
