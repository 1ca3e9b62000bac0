"""The texts in which files write grades: names in any case, numbers, initials, true and false."""

from kdcore.errors import Cure, by_import
from kdcore.labels import BINARY, ESCI, LabelScheme

_ESCI_NAMES = {name.casefold() for name in ESCI.grades}


def is_fraction(label: str) -> bool:
    """Whether a label is a number between two grades, as a mean of several judges is."""
    try:
        return not float(label).is_integer()
    except (ValueError, OverflowError):
        return False


def cure_of_label(label: str, otherwise: str) -> str:
    """What to do about a label that is no grade."""
    if not is_fraction(label):
        return otherwise
    return Cure(
        f"take the nearest grade with {by_import('--round-grades')}",
        "tick “Round to the nearest grade”",
    )


def is_whole_number(text: str) -> bool:
    """Whether a text is an integer in digits."""
    return text.strip().removeprefix("-").isdecimal()


def label_lookup(scheme: LabelScheme) -> dict[str, int]:
    """Text of a label to its grade: the name as it is, in small letters, or its number.

    Good and Bad are also true and false; the four grades of ESCI have initials.
    """
    lookup = {name: grade for grade, name in enumerate(scheme.grades)}
    for grade, name in enumerate(scheme.grades):
        lookup.setdefault(name.casefold(), grade)
    if scheme == BINARY:
        lookup |= {"false": 0, "true": 1}
    if {name.casefold() for name in scheme.grades} == _ESCI_NAMES:
        lookup |= {name.casefold()[0]: grade for grade, name in enumerate(scheme.grades)}
    if not any(is_whole_number(name) for name in scheme.grades):
        for grade in range(len(scheme)):  # pandas writes 2 as 2.0 where a grade is missing
            lookup |= {str(grade): grade, f"{grade}.0": grade}
    return lookup
