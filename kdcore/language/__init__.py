"""Masked words: what a language model would write in the gap of a sentence.

    from kdcore import language
    filled = language.fill(folder, "Let's go to the [MASK] and buy some snacks!")
    filled.head(5, temperature=3)      # [("store", 0.08), ...]; the whole softmax stands behind it

fill(model, sentence) -> Filled    any masked language model of transformers: a folder or a hub id
open_model(model)                  the same model kept open for many sentences
truth(sentence)                    the errand grammar's exact answer, where it knows the sentence

The lab's own teacher and student are trained by kdcore.language.train.

torch is imported by the call that needs it, never by the import.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from kdcore.language.fill import LONGEST, Filled, check_sentence
from kdcore.language.truth import truth

if TYPE_CHECKING:
    from kdcore.language.model import MaskedModel

__all__ = ["LONGEST", "Filled", "check_sentence", "fetch", "fill", "open_model", "truth"]


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
