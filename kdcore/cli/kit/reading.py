"""What options of the command line say about how a table file is to be read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kdcore.errors import ConfigError

if TYPE_CHECKING:
    from kdcore.data.files.cells import TableOptions
    from kdcore.labels import LabelScheme

_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|"}


def mapping_of(texts: Sequence[str]) -> dict[str, str | None] | None:
    """Our column -> the file's, of options `--map OURS=THEIRS`; ConfigError tells every bad one."""
    split = [text.partition("=") for text in texts]
    wrong = [
        text for text, (ours, sign, _) in zip(texts, split, strict=True) if not (ours and sign)
    ]
    if wrong:
        raise ConfigError(
            "The columns cannot be mapped:", [f"--map {w}: write ours=theirs" for w in wrong]
        )
    return {ours: theirs or None for ours, _, theirs in split} or None


def scheme_of(grades: str | None, relevant_from: str | None) -> "LabelScheme | None":
    """The scheme that `--grades` and `--relevant-from` name; None where the labels tell it."""
    from kdcore.labels import SCHEMES, LabelScheme

    if not grades:
        if relevant_from:
            raise ConfigError("--relevant-from: name all grades with --grades as well")
        return None
    known = SCHEMES.get(grades.strip().casefold())
    names = known.grades if known else tuple(name.strip() for name in grades.split(","))
    if len(names) < 2:
        raise ConfigError(
            f"--grades {grades}: name at least two grades with commas, worst first, or one of "
            f"{', '.join(SCHEMES)}"
        )
    if relevant_from and relevant_from not in names:
        raise ConfigError(f"--relevant-from {relevant_from}: the grades are {', '.join(names)}")
    if known and not relevant_from:
        return known
    return LabelScheme(names, names.index(relevant_from) if relevant_from else len(names) // 2)


def options_of(
    delimiter: str | None, header: bool | None, quotes: bool | None, sheet: str | None
) -> "TableOptions":
    """How the file is written, of the options that say so."""
    from kdcore.data.files.cells import TableOptions

    character = _DELIMITERS.get((delimiter or "").casefold(), delimiter or "")
    if len(character) > 1 or character in ('"', "\n", "\r"):
        names = ", ".join(_DELIMITERS)
        raise ConfigError(f"--delimiter {delimiter}: write {names} or one character")
    return TableOptions(character, header, quotes, sheet or "")
