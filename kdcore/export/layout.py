"""The files of an exported student: weights, how texts are read, and the script beside them."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from kdcore.export.scripts import cross, towers
from kdcore.knobs import plain
from kdcore.models.base import PairModel
from kdcore.models.bert import CrossEncoder
from kdcore.models.beside.assistant import WithAssistant
from kdcore.models.cdssm import Cdssm
from kdcore.models.heads import Crossing, CumulativeLink
from kdcore.models.ready import Ready
from kdcore.models.tokens.trigrams import Trigrams
from kdcore.models.towers.model import ENCODER, PretrainedTowers
from kdcore.models.twinbert import TwinBert, TwoTowers
from kdcore.predictions import READING, WEIGHTS
from kdcore.workspace import MODEL_CARD

ABOUT = "student.json"
SCRIPT = "student.py"
_TOWERS = {Cdssm: "convolution", TwinBert: "transformer", PretrainedTowers: "encoder"}
Towers = TwinBert | Cdssm | PretrainedTowers


def write_student(model: PairModel, folder: Path) -> str:
    """Fill a folder; returns "transformers" where plain transformers loads it, else "script".

    With an assistant it is a script: what transformers loads would be the student alone.
    """
    helper: PairModel | None = None
    on = ""
    if isinstance(model, WithAssistant):
        helper, on = model.assistant, model.on
        model = model.student
    if isinstance(model, CrossEncoder):
        _cross_encoder(model, folder, helper, on)
        whole = helper is None and getattr(model, "link", None) is None
        return "transformers" if whole else "script"
    if isinstance(model, Towers):
        _towers(model, folder, helper, on)
        return "script"
    raise TypeError(f"no layout is written for {type(model).__name__}")


def described(model: PairModel) -> dict[str, Any]:
    """The model's settings, and what the card says of its head and of its assistant, if any.

    link: scale and thresholds of a head that reads one number, such as the cosine.
    """
    settings = plain(model.config)
    head = getattr(model, "crossing", getattr(model, "link", None))
    if isinstance(head, CumulativeLink):
        link = _link(head)
        thresholds = [round(b, 6) for b in link["thresholds"]]
        settings["link"] = {"scale": round(link["scale"], 6), "thresholds": thresholds}
    if isinstance(model, WithAssistant):
        sizes = {"weights": model.assistant.size, "all": model.size}
        settings["assistant"] = {"on": model.on, **sizes}
    return settings


def is_cross(folder: Path) -> bool:
    """Whether an exported folder holds a cross-encoder."""
    settings = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    return "overlap" in settings["reading"]


def save_cross_encoder(model: CrossEncoder, folder: Path) -> None:
    """Write classifier and tokenizer, without what the lab alone reads."""
    model.save(folder)
    (folder / MODEL_CARD).unlink()
    (folder / READING).unlink(missing_ok=True)
    (folder / WEIGHTS).chmod(0o644)  # safetensors lets nobody but the owner read
    params = model.config.params
    if isinstance(model, Ready):
        amend_tokenizer(folder, params.pair_tokens)
    else:
        amend_tokenizer(folder, params.query_tokens + params.ad_tokens + model.special)


def reading_of(model: CrossEncoder) -> dict[str, Any]:
    """How a cross-encoder reads a pair; link: how its one number becomes grades."""
    params = model.config.params
    if isinstance(model, Ready):
        names = ("pair_tokens", "query_text", "ad_text", "lowercase")
        link = {} if model.link is None else {"link": _link(model.link)}
        return {name: getattr(params, name) for name in names} | link
    return {
        "query_tokens": params.query_tokens,
        "ad_tokens": params.ad_tokens,
        "prefix": model.prefix,
        "middle": model.middle,
        "suffix": model.suffix,
        "ad_segment": model.ad_segment,
    }


def _link(head: CumulativeLink) -> dict[str, Any]:
    """Scale and thresholds of a head, as numbers."""
    return {"scale": F.softplus(head.scale).item(), "thresholds": head.thresholds().tolist()}


def _cross_encoder(model: CrossEncoder, folder: Path, helper: Any, on: str) -> None:
    save_cross_encoder(model, folder)
    reading = reading_of(model) | {
        "overlap": getattr(model.config.params, "overlap", False),
        "token_types": getattr(model.net.config, "type_vocab_size", 0) > 1,
    }
    if helper is not None:  # its token types are BERT's, whatever the student's are
        reading |= {"corrects": on, "student_types": reading["token_types"], "token_types": True}
        helper.net.save_pretrained(folder / "assistant")
        (folder / "assistant" / WEIGHTS).chmod(0o644)
    _write_script(folder, cross, {"grades": model.scheme.grades, "reading": reading})


def amend_tokenizer(folder: Path, longest: int) -> None:
    """The longest pair, so that a plain call may truncate; a class name older versions know."""
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["model_max_length"] = longest
    if settings.get("tokenizer_class") == "TokenizersBackend":
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def _towers(model: Towers, folder: Path, helper: Any, on: str) -> None:
    network = _network(model)
    weights = _weights(model, "student." if helper else "")
    if helper is not None:
        network |= {"corrects": on, "assistant": _network(helper)}
        weights |= _weights(helper, "assistant.")
    save_file(
        {name: t.detach().float().contiguous().clone() for name, t in weights.items()},
        folder / WEIGHTS,
        metadata={"format": "pt"},
    )
    (folder / WEIGHTS).chmod(0o644)  # safetensors lets nobody but the owner read
    model.units.save(folder)
    if isinstance(model, PretrainedTowers):
        tower: Any = model.towers[0]
        tower.encoder.config.save_pretrained(folder / ENCODER)
    settings = {"grades": model.scheme.grades, "reading": _reading(model), "network": network}
    _write_script(folder, towers, settings)


def _weights(model: Towers, part: str) -> dict[str, Tensor]:
    """The weights by their names in the script; part: which of two side by side, or empty."""
    weights: dict[str, Tensor] = {}
    for i, tower in enumerate(model.towers):
        if isinstance(model, PretrainedTowers):
            own = tower.state_dict()
        else:
            is_cdssm = isinstance(model, Cdssm)
            own = _convolution(tower) if is_cdssm else _transformer(tower, model.config.params)
        weights |= {f"towers.{i}.{part}{name}": tensor for name, tensor in own.items()}
    return weights | {f"head.{part}{name}": t for name, t in _head(model.crossing)[1].items()}


def _network(model: Towers) -> dict[str, Any]:
    """The shape of the network, as the script builds it; width: that of a tower's vector."""
    params = model.config.params
    grades = getattr(model.crossing, "grades", model.crossing)
    return {
        "tower": _TOWERS[type(model)],
        "towers": len(model.towers),
        "head": _head(model.crossing)[0],
        "width": model.wide if isinstance(model, TwoTowers) else params.semantic,
        "grades": getattr(grades, "out_features", len(model.scheme)),
        "vocabulary": len(model.units),
        **_sizes(model),
    }


def _reading(model: Towers) -> dict[str, Any]:
    params = model.config.params
    lengths = {"query_tokens": params.query_tokens, "ad_tokens": params.ad_tokens}
    if isinstance(model, PretrainedTowers):
        return {
            "units": "wordpiece",
            **lengths,
            "query_prompt": model.reading.query_prompt,
            "ad_prompt": model.reading.ad_prompt,
            "before": model.prefix,
            "after": model.suffix,
        }
    if isinstance(model.units, Trigrams):
        return {"units": "trigrams", **lengths}
    framed = params.pooling == "cls"
    return {
        "units": "wordpiece",
        **lengths,
        "before": [model.units.cls] if framed else [],
        "after": [model.units.sep] if framed else [],
        "nothing": model.units.sep,  # stands for an empty text
    }


def _sizes(model: Towers) -> dict[str, Any]:
    params = model.config.params
    if isinstance(model, Cdssm):
        return {"filters": params.filters, "semantic": params.semantic}
    if isinstance(model, PretrainedTowers):
        own = asdict(model.reading) | {"hidden": model.wide}
        return own | {name: getattr(params, name, 0) for name in ("combine", "crossing")}
    return {
        "hidden": params.hidden,
        "layers": params.layers,
        "heads": params.heads,
        "inner": params.inner or 4 * params.hidden,
        "positions": max(params.query_tokens, params.ad_tokens) + 2,
        "units": params.units,
        "pooling": params.pooling,
        "combine": getattr(params, "combine", ""),
        "crossing": getattr(params, "crossing", 0),
    }


def _convolution(tower: Any) -> dict[str, Tensor]:
    return {
        "units.weight": tower.window.weight,
        "bias": tower.bias,
        "semantic.weight": tower.semantic.weight,
        "semantic.bias": tower.semantic.bias,
    }


def _transformer(tower: Any, params: Any) -> dict[str, Tensor]:
    """A tower's weights under the names of torch's own encoder layer."""
    embeddings = tower.bert.embeddings
    places = embeddings.position_embeddings.weight
    weights = {"units.weight": tower.table().weight, "places": places}
    if params.units == "wordpiece":
        # a text of its own has one token type, which is thereby a part of every place
        weights["places"] = places + embeddings.token_type_embeddings.weight[0]
        weights |= _named("norm", embeddings.LayerNorm)
    for i, layer in enumerate(tower.bert.encoder.layer):
        weights |= {f"blocks.{i}.{name}": t for name, t in _block(layer).items()}
    return weights | (_named("weigh", tower.weigh) if tower.weigh is not None else {})


def _block(layer: Any) -> dict[str, Tensor]:
    own = layer.attention.self
    projections = (own.query, own.key, own.value)
    return {
        "self_attn.in_proj_weight": torch.cat([p.weight for p in projections]),
        "self_attn.in_proj_bias": torch.cat([p.bias for p in projections]),
        **_named("self_attn.out_proj", layer.attention.output.dense),
        **_named("norm1", layer.attention.output.LayerNorm),
        **_named("linear1", layer.intermediate.dense),
        **_named("linear2", layer.output.dense),
        **_named("norm2", layer.output.LayerNorm),
    }


def _head(crossing: Any) -> tuple[str, dict[str, Tensor]]:
    if isinstance(crossing, Crossing):
        parts = ("inner", "outer", "grades")
        own = [_named(name, getattr(crossing, name)) for name in parts]
        return "crossing", {name: t for part in own for name, t in part.items()}
    if isinstance(crossing, CumulativeLink):
        scale, thresholds = F.softplus(crossing.scale), crossing.thresholds()
        between = torch.log(-torch.expm1(-thresholds.double().diff()))
        return "link", {"scale": scale, "thresholds": thresholds, "between": between}
    if isinstance(crossing, nn.Linear):
        return "linear", _named("grades", crossing)
    return "half_cosine", {}


def _named(name: str, layer: Any) -> dict[str, Tensor]:
    return {f"{name}.weight": layer.weight, f"{name}.bias": layer.bias}


def _write_script(folder: Path, script: Any, settings: dict[str, Any]) -> None:
    """The script as `student.py`, and what it must know."""
    shutil.copyfile(script.__file__, folder / SCRIPT)
    text = json.dumps(settings, indent=2, ensure_ascii=False)
    (folder / ABOUT).write_text(text + "\n", encoding="utf-8")
