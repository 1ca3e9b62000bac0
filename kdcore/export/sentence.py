"""A two-tower student as a folder that `SentenceTransformer(folder)` loads, without any code.

Pooling by learned weights is no module of sentence-transformers. It is written with the modules
that there are: see `_weighing`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from kdcore.export.layout import amend_tokenizer
from kdcore.models.base import PairModel
from kdcore.models.towers.model import PretrainedTowers
from kdcore.models.twinbert import Tower, TwinBert
from kdcore.predictions import WEIGHTS

MODULES = "sentence_transformers.models"
_FAR = 17.0  # sigmoid(x) and exp(x) differ by e^-17 of their value, 4e-8, below x = -17
_OF_TOKENS = {  # what a Dense reads and writes where it stands before the pooling
    "module_input_name": "token_embeddings",
    "module_output_name": "token_embeddings",
}
Modules = list[tuple[str, str]]  # folder and class of each module


def write_sentence(model: TwinBert | PretrainedTowers, folder: Path) -> None:
    """Write encoder, pooling, unit length and tokenizer; two towers become routes of a Router."""
    if len(model.towers) == 1:
        modules = _write_tower(model, model.towers[0], folder, "")
    else:
        modules = _write_router(model, folder)
    write_library_settings(folder, modules, _prompts(model))


def write_library_settings(
    folder: Path, modules: Modules, prompts: Mapping[str, str] | None = None
) -> None:
    """Write what SentenceTransformer reads first: these modules, then one for unit length."""
    place = f"{len(modules)}_Normalize"
    (folder / place).mkdir()
    write_json(folder / place / "config.json", {"module_input_name": "sentence_embedding"})
    rows = [
        {"idx": i, "name": str(i), "path": path, "type": f"{MODULES}.{kind}"}
        for i, (path, kind) in enumerate([*modules, (place, "Normalize")])
    ]
    write_json(folder / "modules.json", rows)
    write_json(
        folder / "config_sentence_transformers.json",
        {
            "model_type": "SentenceTransformer",
            "prompts": prompts or {},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    )


def _prompts(model: TwinBert | PretrainedTowers) -> dict[str, str]:
    """What stands before a text, by the names under which the library looks for it."""
    if isinstance(model, TwinBert):
        return {}
    return {"query": model.reading.query_prompt, "document": model.reading.ad_prompt}


def _write_router(model: TwinBert | PretrainedTowers, folder: Path) -> Modules:
    """Two towers that learned apart: a route for queries and one for ads ("document")."""
    structure: dict[str, list[str]] = {}
    types: dict[str, str] = {}
    for route, tower in zip(("query", "document"), model.towers, strict=True):
        start = f"{route}_0_Transformer"
        (folder / start).mkdir()
        parts = _write_tower(model, tower, folder, start, f"{route}_")
        structure[route] = [path for path, _ in parts]
        types |= {path: f"{MODULES}.{kind}" for path, kind in parts}
    parameters = {"default_route": "document", "allow_empty_key": True}
    content = {"types": types, "structure": structure, "parameters": parameters}
    write_json(folder / "router_config.json", content)
    return [("", "Router")]


def _write_tower(
    model: TwinBert | PretrainedTowers, tower: Any, folder: Path, place: str, before: str = ""
) -> Modules:
    """Write a tower's modules into a folder; place: that of its encoder, before: of the others."""
    if isinstance(model, PretrainedTowers):
        return _write_pretrained(model, tower, folder, place, before)
    _write_encoder(model, tower, folder / place)
    modules: Modules = [(place, "Transformer")]
    if tower.weigh is not None:
        modules.append((f"{before}1_Dense", "Dense"))
        _write_dense(folder / modules[-1][0], *_weighing(tower), more=_OF_TOKENS)
    modules.append((f"{before}{len(modules)}_Pooling", "Pooling"))
    width = model.config.params.hidden
    _write_pooling(
        folder / modules[-1][0], width, tower.pooling if tower.pooling == "cls" else "mean"
    )
    return modules


def _write_pretrained(
    model: PretrainedTowers, tower: Any, folder: Path, place: str, before: str
) -> Modules:
    """Write a tower that began as a pretrained encoder, with the modules that its folder had."""
    params, reading = model.config.params, model.reading
    framed = len(model.prefix + model.suffix)
    query, ad = (
        tokens + prompt + framed
        for tokens, prompt in zip(
            (params.query_tokens, params.ad_tokens), model.prompts, strict=True
        )
    )
    pooler = {} if tower.pads else {"model_kwargs": {"add_pooling_layer": False}}
    _write_network(model, tower.encoder, folder / place, query, ad, pooler)
    modules = [(place, "Transformer"), (f"{before}1_Pooling", "Pooling")]
    wide = tower.encoder.config.hidden_size
    _write_pooling(folder / modules[-1][0], wide, reading.pooling)
    if tower.dense is not None:
        modules.append((f"{before}2_Dense", "Dense"))
        function = "Tanh" if reading.activation else "linear.Identity"
        bias = None if tower.dense.bias is None else tower.dense.bias.detach()
        _write_dense(folder / modules[-1][0], tower.dense.weight.detach(), bias, function)
    return modules


def _write_encoder(model: TwinBert, tower: Tower, folder: Path) -> None:
    params = model.config.params
    framed = 2 if tower.pooling == "cls" else 0
    query, ad = params.query_tokens + framed, params.ad_tokens + framed
    pooler = {"model_kwargs": {"add_pooling_layer": False}}
    _write_network(model, tower.bert, folder, query, ad, pooler)
    if not framed:  # the tower reads the words alone, without [CLS] and [SEP]
        _unframe(folder)


def _write_network(
    model: PairModel, encoder: Any, folder: Path, query: int, ad: int, more: Mapping[str, Any]
) -> None:
    """Write encoder, tokenizer, and the tokens that are read of a query and of an ad in all."""
    encoder.save_pretrained(folder)
    (folder / WEIGHTS).chmod(0o644)  # safetensors lets nobody but the owner read
    model.units.save(folder)
    amend_tokenizer(folder, max(query, ad))
    content = {"max_seq_length": max(query, ad), "do_lower_case": False, **more}
    if query != ad:
        content |= {"query_length": query, "document_length": ad}
    write_json(folder / "sentence_bert_config.json", content)


def _unframe(folder: Path) -> None:
    """Let the tokenizer add no special token, whatever class loads it."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["post_processor"] = None
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, settings | {"tokenizer_class": "PreTrainedTokenizerFast"})


@torch.no_grad()
def _weighing(tower: Tower) -> tuple[Tensor, Tensor]:
    """(2 width, width) weight and (2 width,) bias of a Dense with GLU that weighs each token.

    The pooled vector is the sum of exp(w·x + b) x over tokens, up to its length, which is made 1.
    GLU gives f·x times sigmoid(w·x + b - c). Far below 0 a sigmoid is the exponential: c puts it
    there for every x that the encoder's last layer norm can give, and f undoes the factor exp(-c).
    """
    assert tower.weigh is not None
    norm = tower.bert.encoder.layer[-1].output.LayerNorm
    w, b = tower.weigh.weight[0].double(), float(tower.weigh.bias[0])
    middle = b + float(w @ norm.bias.double())
    reach = float((w * norm.weight.double()).norm()) * math.sqrt(len(w))
    c = middle + reach + _FAR
    factor = 2.0 ** round((c - middle) / math.log(2))  # a power of two changes no digit of x
    weight = torch.cat([factor * torch.eye(len(w)).double(), w.expand(len(w), -1)])
    bias = torch.cat([torch.zeros(len(w)).double(), torch.full((len(w),), b - c).double()])
    return weight.float(), bias.float()


def _write_dense(
    folder: Path,
    weight: Tensor,
    bias: Tensor | None,
    function: str = "GLU",
    more: Mapping[str, str] | None = None,
) -> None:
    folder.mkdir()
    place = function if "." in function else f"activation.{function}"
    content = {
        "in_features": weight.shape[1],
        "out_features": weight.shape[0],
        "bias": bias is not None,
        "activation_function": f"torch.nn.modules.{place}",
        **(more or {}),
    }
    write_json(folder / "config.json", content)
    weights = {"linear.weight": weight} | ({} if bias is None else {"linear.bias": bias})
    save_file(
        {name: tensor.contiguous() for name, tensor in weights.items()},
        folder / WEIGHTS,
        {"format": "pt"},
    )
    (folder / WEIGHTS).chmod(0o644)


def _write_pooling(folder: Path, width: int, how: str) -> None:
    """The pooling under the names that all versions know."""
    folder.mkdir()
    names = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "last": "lasttoken"}
    content = {f"pooling_mode_{name}": pooling == how for pooling, name in names.items()}
    content |= {"pooling_mode_mean_sqrt_len_tokens": False}
    write_json(folder / "config.json", {"word_embedding_dimension": width, **content})


def write_json(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write a small JSON file, readable by people."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
