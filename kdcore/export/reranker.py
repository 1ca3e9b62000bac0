"""A cross-encoder as a folder that `CrossEncoder(folder)` of sentence-transformers loads."""

import shutil
from pathlib import Path

from kdcore.export import scripts
from kdcore.export.layout import reading_of, save_cross_encoder
from kdcore.export.sentence import write_json
from kdcore.models.bert import CrossEncoder
from kdcore.models.ready import Ready

IDENTITY = "torch.nn.modules.linear.Identity"  # logits leave as they are
OLD_ENTRY = "sbert_ce_default_activation_function"  # of sentence-transformers before version 4
MODULE = "marked_pairs"
JOINED = "query as the first text; title, a blank and description as the second"


def is_marked(model: CrossEncoder) -> bool:
    """Whether its token types tell more than BERT's, which needs a module of its own."""
    return bool(getattr(model.config.params, "overlap", False))


def write_reranker(model: CrossEncoder, folder: Path) -> None:
    """Write classifier, tokenizer and their settings; a module too where overlap is marked."""
    config = model.net.config
    config.sentence_transformers = {"activation_fn": IDENTITY}
    if hasattr(config, OLD_ENTRY):
        setattr(config, OLD_ENTRY, IDENTITY)
    joined = {} if isinstance(model, Ready) else {"joined": JOINED}
    config.kdlab_pairs = joined | reading_of(model)
    save_cross_encoder(model, folder)
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
