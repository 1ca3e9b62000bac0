"""The titles of trainings, made of what they train and how."""

from kdcore.catalog import STUDENTS
from kdcore.config import DistillConfig, FinetuneConfig, MethodConfig, ModelConfig


def title_of(config: DistillConfig | FinetuneConfig) -> str:
    """The title of a training: "TwinBERT cosine, T 4, seed 0"."""
    if isinstance(config, FinetuneConfig):
        return labels_only_title(config.model, config.seed)
    parts = [model_title(config.student), method_title(config.method)]
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


def method_title(method: MethodConfig) -> str:
    """T 4; MSE of logits."""
    loss = getattr(method.params, "loss", "")
    if loss.startswith("mse_"):
        return f"MSE of {loss.removeprefix('mse_')}"
    temperature = getattr(method.params, "temperature", None)
    return method.name if temperature is None else f"T {temperature:g}"
