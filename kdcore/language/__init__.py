"""Masked words: what a language model would write in the gap of a sentence.

    from kdcore import language
    filled = language.fill(folder, "Let's go to the [MASK] and buy some snacks!")
    filled.head(5, temperature=3)      # [("store", 0.08), ...]; the whole softmax stands behind it

fill(model, sentence) -> Filled    any masked language model of transformers: a folder or a hub id
open_model(model)                  the same model kept open for many sentences
train_masked(out)                  the lab's own teacher and student, distilled as DistilBERT is
truth(sentence)                    the errand grammar's exact answer, where it knows the sentence

torch is imported by the call that needs it, never by the import.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kdcore.language.fill import BLANK, LONGEST, Filled, check_sentence
from kdcore.language.truth import truth

if TYPE_CHECKING:
    from kdcore.language.model import MaskedModel
    from kdcore.language.report import MaskedReport

__all__ = [
    "BLANK",
    "LONGEST",
    "Filled",
    "check_sentence",
    "fetch",
    "fill",
    "open_model",
    "train_masked",
    "truth",
]


def fetch(source: str | Path) -> None:
    """Download what opening a hub id reads; open_model reports what failed."""
    from kdcore.language.model import fetch as fetch_files

    fetch_files(str(source))


def open_model(source: str | Path) -> "MaskedModel":
    """A masked language model of a local folder or a hub id; LabError when it is none."""
    from kdcore.language.model import MaskedModel

    return MaskedModel.load(source)


def fill(source: str | Path, sentence: str) -> Filled:
    """What this model would write in the sentence's one [MASK]; the model is opened for it."""
    check_sentence(sentence)  # before the seconds that a model takes to load
    return open_model(source).fill(sentence)


def train_masked(
    out: Path | str,
    *,
    seed: int = 0,
    device: str = "auto",
    threads: int = 0,
    steps: int = 1400,
    student_steps: int = 500,
    sentences: int = 20_000,
    say: Callable[[str], None] | None = None,
) -> "MaskedReport":
    """Train out/teacher and out/student on errand sentences; see kdcore.language.train.

    say: called with a line of text now and then, to show how far it is.
    """
    from kdcore.language.train import Plan, train

    plan = Plan(steps=steps, student_steps=student_steps, sentences=sentences, seed=seed)
    return train(Path(out), plan, device=device, threads=threads, say=say)
