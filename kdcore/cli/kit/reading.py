"""How a table file is to be read, by the options of a command."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kdcore.data.files.cells import TableOptions
from kdcore.data.files.streaming import TextFile
from kdcore.data.trec.places import TrecFiles
from kdcore.errors import ConfigError
from kdcore.labels import SCHEMES, LabelScheme

_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|"}


def mapping_of(texts: Sequence[str], form: str = "ours=theirs") -> dict[str, str]:
    """Our column -> the file's, of options `--map OURS=THEIRS`; ConfigError names every bad one."""
    split = [text.partition("=") for text in texts]
    if wrong := ["".join(parts) for parts in split if not (parts[0] and parts[1])]:
        problems = [f"--map {text}: write {form}" for text in wrong]
        raise ConfigError("The columns cannot be mapped:", problems)
    return {ours: theirs for ours, _, theirs in split}


def scheme_of(grades: str | None, relevant_from: str | None) -> LabelScheme | None:
    """The scheme that `--grades` and `--relevant-from` name; None where the labels tell it."""
    if not grades:
        if relevant_from:
            raise ConfigError("--relevant-from: name all grades with --grades as well")
        return None
    scheme = SCHEMES.get(grades.strip().casefold())
    names = scheme.grades if scheme else tuple(name.strip() for name in grades.split(","))
    if len(names) < 2:
        raise ConfigError(
            f"--grades {grades}: name at least two grades with commas, worst first, or one of "
            f"{', '.join(SCHEMES)}"
        )
    if relevant_from and relevant_from not in names:
        raise ConfigError(f"--relevant-from {relevant_from}: the grades are {', '.join(names)}")
    if scheme and not relevant_from:
        return scheme
    return LabelScheme(names, names.index(relevant_from) if relevant_from else len(names) // 2)


def trec_of(
    source: str | None, qrels: Sequence[Path], queries: Sequence[Path], documents: Sequence[Path]
) -> TrecFiles | None:
    """The files that `--qrels`, `--queries` and `--documents` name; None for a source in one place.

    ConfigError unless there is either a source or all three.
    """
    parts = {"--qrels": qrels, "--queries": queries, "--documents": documents}
    if source and any(parts.values()):
        raise ConfigError(f"{source}: give either this source or {', '.join(parts)}")
    if source:
        return None
    if lacking := [option for option, paths in parts.items() if not paths]:
        what = "name a source, or give" if len(lacking) == len(parts) else "add the missing"
        raise ConfigError(f"{what} {', '.join(lacking)}")
    return TrecFiles(*(tuple(map(TextFile.at, paths)) for paths in parts.values()))


def options_of(
    delimiter: str | None, header: bool | None, quotes: bool | None, sheet: str | None
) -> TableOptions:
    """How the file is written, of the options that say so."""
    character = _DELIMITERS.get((delimiter or "").casefold(), delimiter or "")
    if len(character) > 1 or character in ('"', "\n", "\r"):
        names = ", ".join(_DELIMITERS)
        raise ConfigError(f"--delimiter {delimiter}: write {names} or one character")
    return TableOptions(character, header, quotes, sheet or "")


def token_counts(folder: str) -> Callable[[Sequence[str]], Any]:
    """How many tokens the tokenizer of a model's folder, or hub id, makes of each text."""
    from kdcore.models.tokens.wordpiece import WordPiece

    units = WordPiece.load(folder)
    return lambda texts: units.encode(texts).lengths
