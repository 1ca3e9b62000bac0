"""The titles of trainings, made of what they train and how."""

from kdcore.catalog import STUDENTS
from kdcore.catalog.options import option_name
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    ModelConfig,
    MultitaskConfig,
    PretrainConfig,
    TermConfig,
    TrainedConfig,
)
from kdcore.config.order import MIXED

_TOWERS = {"pretrained_cos": "cosine towers", "pretrained_res": "residual towers"}


def title_of(config: TrainedConfig) -> str:
    """The title of a training: "TwinBERT cosine, T 4 + ranking Pearson, seed 0"."""
    if isinstance(config, PretrainConfig):
        return f"{model_title(config.model)}, pretrained, seed {config.seed}"
    if isinstance(config, MultitaskConfig):
        return f"{model_title(config.model)}, {tasks_title(config)}, seed {config.seed}"
    if isinstance(config, FinetuneConfig):
        return labels_only_title(config.model, config.seed)
    parts = [model_title(config.student), loss_title(config), *teacher_title(config)]
    if config.transfer != "train":
        parts.append({"log": "unlabelled pairs"}.get(config.transfer, "and unlabelled pairs"))
    if config.order.kind != MIXED:
        parts.append(config.order.kind)
    return ", ".join([*parts, f"seed {config.seed}"])


def teacher_title(config: DistillConfig) -> list[str]:
    """Who teaches, unless it is one run: 2 teachers; its own average."""
    teaching = config.teaching
    if teaching.kind == "run":
        return []
    if teaching.kind == "born_again":
        return [f"generation {teaching.params.generations}"]
    if teaching.students:
        return [f"beside {' + '.join(map(model_title, teaching.students))}"]
    return [f"{len(teaching.runs)} teachers" if teaching.runs else teaching.title]


def tasks_title(config: MultitaskConfig) -> str:
    """What a multi-task model learns: all tasks; relevance + 2 tasks."""
    if config.auxiliary is None:
        return "all tasks"
    return f"relevance + {len(config.auxiliary)} tasks" if config.auxiliary else "relevance alone"


def labels_only_title(model: ModelConfig, seed: int) -> str:
    """The title of a training without a teacher."""
    return f"{model_title(model)}, labels only, seed {seed}"


def model_title(model: ModelConfig) -> str:
    """TwinBERT cosine; BERT-3; BERT-2 from layers 0 2; an encoder by the last part of its name.

    Towers that start from one: MiniLM as cosine towers.
    """
    if model.checkpoint:
        kind = f" as {_TOWERS[model.name]}" if model.name in _TOWERS else ""
        name = model.checkpoint.rstrip("/").rpartition("/")[2] + kind
    elif model.name == "bert":
        name = f"BERT-{model.params.layers}"
    else:
        name = STUDENTS[model.name].title
    if not (model.start_from or model.layers_from):
        return name
    layers = "layers " + " ".join(map(str, model.layers_from)) if model.layers_from else "a model"
    return f"{name} from {layers}"


def loss_title(config: DistillConfig) -> str:
    """The terms that the teacher has a part in: T 4; MSE of logits; T 2 + feature cosine."""
    terms = list(config.soft_terms.values())
    return " + ".join(map(_term_title, [term for term in terms if term.weight] or terms))


def _term_title(term: TermConfig) -> str:
    words = term.method, option_name(getattr(term.params, "loss", ""))
    return str(getattr(term.params, "short", " ".join(filter(None, words))))
