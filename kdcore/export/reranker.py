"""A cross-encoder as a folder that `CrossEncoder(folder)` of sentence-transformers loads."""

import shutil
from pathlib import Path

from kdcore.export import scripts
from kdcore.export.layout import amend_tokenizer
from kdcore.export.sentence import write_json
from kdcore.models.bert import CrossEncoder
from kdcore.predictions import WEIGHTS
from kdcore.workspace import MODEL_CARD

IDENTITY = "torch.nn.modules.linear.Identity"  # logits leave as they are
MODULE = "marked_pairs"
JOINED = "query as the first text; title, a blank and description as the second"


def is_marked(model: CrossEncoder) -> bool:
    """Whether its token types tell more than BERT's, which needs a module of its own."""
    return bool(getattr(model.config.params, "overlap", False))


def write_reranker(model: CrossEncoder, folder: Path) -> None:
    """Write classifier, tokenizer and their settings; a module too where overlap is marked."""
    params = model.config.params
    model.net.config.sentence_transformers = {"activation_fn": IDENTITY}
    model.net.config.kdlab_pairs = {
        "joined": JOINED,
        "query_tokens": params.query_tokens,
        "ad_tokens": params.ad_tokens,
        "prefix": model.prefix,
        "middle": model.middle,
        "suffix": model.suffix,
        "ad_segment": model.ad_segment,
    }
    model.save(folder)
    (folder / MODEL_CARD).unlink()
    (folder / WEIGHTS).chmod(0o644)  # safetensors lets nobody but the owner read
    special = len(model.prefix + model.middle + model.suffix)
    amend_tokenizer(folder, params.query_tokens + params.ad_tokens + special)
    if is_marked(model):
        _write_module(folder)


def _write_module(folder: Path) -> None:
    """The module that adds the marks; sentence-transformers runs it with trust_remote_code."""
    shutil.copyfile(Path(scripts.__file__).with_name(f"{MODULE}.py"), folder / f"{MODULE}.py")
    kind = f"{MODULE}.MarkedPairs"
    write_json(folder / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": kind}])
    write_json(
        folder / "config_sentence_transformers.json",
        {
            "model_type": "CrossEncoder",
            "activation_fn": IDENTITY,
            "prompts": {},
            "default_prompt_name": None,
        },
    )
    write_json(
        folder / "sentence_bert_config.json", {"transformer_task": "sequence-classification"}
    )
