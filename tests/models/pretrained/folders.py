"""Folders of seven architectures with small random weights and tokenizers of their own kinds.

`encoder_folder` writes what save_pretrained writes; `sentence_folder` adds what makes it a folder
of sentence-transformers: modules.json, pooling, dense layer, normalization and prompts.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, PreTrainedTokenizerFast

from kdcore.models.tokens.wordpiece import WordPiece

TEXTS = (
    "red shoes",
    "garden hose",
    "led lamp",
    "Red running shoes, light and cheap",
    "a blue tent",
)
BERT = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 96,
}
ROBERTA = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
# three layers: one that looks at every token, two that look at the nearest ones
MODERN = {"global_attn_every_n_layers": 3, "local_attention": 8, "tie_word_embeddings": True}
# name: transformers' class without "Config" and "Model", its tokenizer, what differs from BERT
ARCHITECTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("Bert", "wordpiece", {}),
    "minilm": ("Bert", "wordpiece", {"hidden_size": 24, "num_attention_heads": 4}),
    "distilbert": ("DistilBert", "wordpiece", {"hidden_dim": 24}),
    "roberta": ("Roberta", "bytes", ROBERTA),
    "xlm-r": ("XLMRoberta", "unigram", ROBERTA),
    "modernbert": ("ModernBert", "bytes", MODERN),
    "mmbert": ("ModernBert", "metaspace", MODERN | {"vocab_size": 4096}),
}


def encoder_folder(
    folder: Path, architecture: str = "bert", texts: Iterable[str] = TEXTS, **about: Any
) -> Path:
    """An encoder of one of ARCHITECTURES; about: settings of its config, or dtype or kind.

    texts: the tokenizer is learned from them. kind: the class behind the name of the architecture,
    such as ForSequenceClassification.
    """
    name, tokens, differs = ARCHITECTURES[architecture]
    tokenizer = _tokenizer(tokens, list(texts))
    dtype, kind = about.pop("dtype", torch.float32), about.pop("kind", "Model")
    marks = {f"{mark}_token_id": getattr(tokenizer, f"{mark}_token_id") for mark in ("cls", "sep")}
    if name == "ModernBert":
        marks |= {"bos_token_id": marks["cls_token_id"], "eos_token_id": marks["sep_token_id"]}
    sizes = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id} | BERT
    config = getattr(transformers, f"{name}Config")(**(sizes | marks | differs | about))
    torch.manual_seed(0)
    net = getattr(transformers, f"{name}{kind}")(config)
    with torch.no_grad():
        for weight in net.parameters():  # larger than a fresh network's, so that texts differ
            weight.add_(torch.randn_like(weight) * 0.1)
    net.to(dtype).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def sentence_folder(
    folder: Path,
    pooling: str | Mapping[str, Any] = "mean",
    *,
    normalize: bool = True,
    dense: int = 0,
    prompts: Mapping[str, str] | None = None,
    longest: int = 64,
) -> Path:
    """Make a folder of encoder_folder one of sentence-transformers, as its version 2 wrote them.

    pooling: cls, mean, max, lasttoken or the whole of 1_Pooling/config.json. dense: how wide a
    layer with tanh behind the pooling is; 0 is none. longest: its max_seq_length.
    """
    width = AutoConfig.from_pretrained(folder).hidden_size
    kinds = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens"}
    if isinstance(pooling, str):
        chosen = f"pooling_mode_{kinds.get(pooling, pooling)}"
        names = [f"pooling_mode_{kind}" for kind in (*kinds.values(), "lasttoken")]
        pooling = {"word_embedding_dimension": width} | {name: name == chosen for name in names}
    modules = {"": "Transformer", "1_Pooling": "Pooling"}
    _write(folder / "1_Pooling/config.json", pooling)
    _write(
        folder / "sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": False}
    )
    if dense:
        modules["2_Dense"] = "Dense"
        tanh = {"bias": True, "activation_function": "torch.nn.modules.activation.Tanh"}
        sizes = {"in_features": width, "out_features": dense}
        _write(folder / "2_Dense/config.json", sizes | tanh)
        layer = torch.nn.Linear(width, dense)
        weights = {f"linear.{name}": weight.detach() for name, weight in layer.named_parameters()}
        save_file(weights, folder / "2_Dense/model.safetensors", metadata={"format": "pt"})
    if normalize:
        modules[f"{len(modules)}_Normalize"] = "Normalize"
    listed = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(modules.items())
    ]
    (folder / "modules.json").write_text(json.dumps(listed))
    if prompts is not None:
        about = {"prompts": dict(prompts), "default_prompt_name": None}
        _write(folder / "config_sentence_transformers.json", about)
    return folder


def _write(path: Path, data: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def _tokenizer(kind: str, texts: list[str]) -> Any:
    """A fast tokenizer: BERT's, or one with RoBERTa's, XLM-R's, ModernBERT's or Gemma's units."""
    if kind == "wordpiece":
        return WordPiece.train(texts, 200).tokenizer
    marks = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    if kind == "unigram":
        core, split = Tokenizer(models.Unigram()), pre_tokenizers.Metaspace()
        trainer: Any = trainers.UnigramTrainer(
            vocab_size=120, special_tokens=list(marks), unk_token="<unk>", show_progress=False
        )
    else:
        fallback = {"unk_token": "<unk>"} if kind == "metaspace" else {}
        core = Tokenizer(models.BPE(**fallback))
        split = (
            pre_tokenizers.ByteLevel(add_prefix_space=False)
            if kind == "bytes"
            else pre_tokenizers.Metaspace()
        )
        letters = [chr(code) for code in range(33, 127)]
        alphabet = pre_tokenizers.ByteLevel.alphabet() if kind == "bytes" else letters
        trainer = trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=list(marks),
            initial_alphabet=alphabet,
            show_progress=False,
        )
    core.pre_tokenizer = split
    core.decoder = decoders.ByteLevel() if kind == "bytes" else decoders.Metaspace()
    core.train_from_iterator(sorted(texts), trainer)
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    names = ("cls_token", "pad_token", "sep_token", "unk_token", "mask_token")
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="</s>",
        **dict(zip(names, marks, strict=True)),
    )
