"""The engine of KD Lab: from query-ad pairs to a distilled student.

    import kdcore
    teacher = kdcore.finetune("world", "bert_teacher")
    student = kdcore.distill(teacher, "twinbert_cos", temperature=2)
    print(kdcore.lab.evaluate(student).metrics["roc_auc"])

`kdcore.lab` holds every stage; what is no module here as well (as evaluate and predict are) is
also at hand as `kdcore.finetune` and so on. Importing this package imports nothing heavy.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kdcore import lab
    from kdcore.experiments.pipeline import recipe
    from kdcore.lab import distill, finetune, infer, multitask, pretrain, teach

# Waiting threads sleep instead of spinning. With spinning, two torch processes on two cores slow
# each other down fifty times (measured); an idle machine loses nothing that we could measure.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = ["distill", "finetune", "infer", "lab", "multitask", "pretrain", "recipe", "teach"]


def __getattr__(name: str) -> Any:
    """The stages, imported when they are first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "recipe":  # several stages in a row
        return import_module("kdcore.experiments.pipeline").recipe
    door = import_module("kdcore.lab")
    return door if name == "lab" else getattr(door, name)
