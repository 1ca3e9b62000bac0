"""The titles of trainings, made of what they train and how."""

from kdcore.catalog import STUDENTS
from kdcore.config import DistillConfig, FinetuneConfig, ModelConfig, TermConfig


def title_of(config: DistillConfig | FinetuneConfig) -> str:
    """The title of a training: "TwinBERT cosine, T 4 + ranking pearson, seed 0"."""
    if isinstance(config, FinetuneConfig):
        return labels_only_title(config.model, config.seed)
    parts = [model_title(config.student), loss_title(config)]
    if config.transfer != "train":
        parts.append({"log": "unlabelled pairs"}.get(config.transfer, "and unlabelled pairs"))
    return ", ".join([*parts, f"seed {config.seed}"])


def labels_only_title(model: ModelConfig, seed: int) -> str:
    """The title of a training without a teacher."""
    return f"{model_title(model)}, labels only, seed {seed}"


def model_title(model: ModelConfig) -> str:
    """TwinBERT cosine; BERT-3; the last part of a pretrained encoder's name."""
    if model.checkpoint:
        return model.checkpoint.rstrip("/").rpartition("/")[2]
    if model.name == "bert":
        return f"BERT-{model.params.layers}"
    return STUDENTS[model.name].title


def loss_title(config: DistillConfig) -> str:
    """The terms that the teacher has a part in: T 4; MSE of logits; T 2 + feature cosine."""
    terms = list(config.soft_terms.values())
    return " + ".join(map(_term_title, [term for term in terms if term.weight] or terms))


def _term_title(term: TermConfig) -> str:
    words = term.method, getattr(term.params, "loss", "")
    return str(getattr(term.params, "short", " ".join(filter(None, words)).replace("_", " ")))
