"""Pretrained encoders of other families leave the lab as plain transformers folders."""

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from kdcore.config import ModelConfig
from kdcore.export.check import INVENTED
from kdcore.models.predict import answer_texts
from kdcore.models.tokens.wordpiece import WordPiece

from .conftest import Make, invented
from .test_layout import written

SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 96,
}
PARAMS = {"query_tokens": 8, "ad_tokens": 24}


def roberta_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """<s> a </s></s> b </s>, as RoBERTa writes a pair."""
    core = Tokenizer(models.BPE(unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    core.train_from_iterator(texts, trainer)
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    names = {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=core, **names)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_a_checkpoint_student_answers_as_in_the_lab(
    make: Make, tmp_path: Path, family: str
) -> None:
    pairs = invented()
    texts = [*pairs.frame["query"], *pairs.frame["title"]]
    roberta = family == "roberta"
    tokenizer = roberta_tokenizer(texts) if roberta else WordPiece.train(texts, 200).tokenizer
    size, small = len(tokenizer), {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24}
    encoder = {
        "bert": lambda: BertModel(BertConfig(vocab_size=size, **SHAPE)),
        "distilbert": lambda: DistilBertModel(
            DistilBertConfig(vocab_size=size, max_position_embeddings=96, **small)
        ),
        "roberta": lambda: RobertaModel(
            RobertaConfig(vocab_size=size, type_vocab_size=1, pad_token_id=1, **SHAPE)
        ),
    }[family]()
    encoder.save_pretrained(tmp_path / "encoder")
    tokenizer.save_pretrained(tmp_path / "encoder")
    config = ModelConfig(name="checkpoint", checkpoint=str(tmp_path / "encoder"), params=PARAMS)
    student, model = written(make, tmp_path / "out", config=config)
    ours = answer_texts(model, INVENTED).logits
    assert np.ptp(ours, axis=0).min() > 0.01
    np.testing.assert_allclose(student.logits(INVENTED), ours, atol=1e-5)
