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
from kdcore.models.twinbert import Tower, TwinBert
from kdcore.predictions import WEIGHTS

MODULES = "sentence_transformers.models"
_FAR = 17.0  # sigmoid(x) and exp(x) differ by e^-17 of their value, 4e-8, below x = -17
Modules = list[tuple[str, str]]  # folder and class of each module


def write_sentence(model: TwinBert, folder: Path) -> None:
    """Write encoder, pooling, unit length and tokenizer; two towers become routes of a Router."""
    if len(model.towers) == 1:
        modules = _write_tower(model, model.towers[0], folder, "")
    else:
        modules = _write_router(model, folder)
    write_library_settings(folder, modules)


def write_library_settings(folder: Path, modules: Modules) -> None:
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
            "prompts": {},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    )


def _write_router(model: TwinBert, folder: Path) -> Modules:
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
    model: TwinBert, tower: Any, folder: Path, place: str, before: str = ""
) -> Modules:
    """Write a tower's modules into a folder; place: that of its encoder, before: of the others."""
    _write_encoder(model, tower, folder / place)
    modules: Modules = [(place, "Transformer")]
    if tower.weigh is not None:
        modules.append((f"{before}1_Dense", "Dense"))
        _write_dense(folder / modules[-1][0], *_weighing(tower))
    modules.append((f"{before}{len(modules)}_Pooling", "Pooling"))
    width = model.config.params.hidden
    _write_pooling(folder / modules[-1][0], width, tower.pooling == "cls")
    return modules


def _write_encoder(model: TwinBert, tower: Tower, folder: Path) -> None:
    params = model.config.params
    tower.bert.save_pretrained(folder)
    (folder / WEIGHTS).chmod(0o644)  # safetensors lets nobody but the owner read
    model.units.save(folder)
    framed = 2 if tower.pooling == "cls" else 0
    if not framed:  # the tower reads the words alone, without [CLS] and [SEP]
        _unframe(folder)
    query, ad = params.query_tokens + framed, params.ad_tokens + framed
    amend_tokenizer(folder, max(query, ad))
    content = {
        "max_seq_length": max(query, ad),
        "do_lower_case": False,
        "model_kwargs": {"add_pooling_layer": False},
    }
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


def _write_dense(folder: Path, weight: Tensor, bias: Tensor) -> None:
    folder.mkdir()
    content = {
        "in_features": weight.shape[1],
        "out_features": weight.shape[0],
        "bias": True,
        "activation_function": "torch.nn.modules.activation.GLU",
        "module_input_name": "token_embeddings",
        "module_output_name": "token_embeddings",
    }
    write_json(folder / "config.json", content)
    save_file({"linear.weight": weight, "linear.bias": bias}, folder / WEIGHTS, {"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)


def _write_pooling(folder: Path, width: int, first: bool) -> None:
    """The mean of the tokens, or the first one; under the names that all versions know."""
    folder.mkdir()
    content = {
        "word_embedding_dimension": width,
        "pooling_mode_cls_token": first,
        "pooling_mode_mean_tokens": not first,
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
    }
    write_json(folder / "config.json", content)


def write_json(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write a small JSON file, readable by people."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
