"""Read the texts in which files write grades: names, numbers, initials, true and false."""

from kdcore.errors import Cure, by_import
from kdcore.labels import BINARY, ESCI, FIVE_GRADES, FOUR_GRADES, LabelScheme

KNOWN_SCHEMES = (BINARY, FOUR_GRADES, ESCI, FIVE_GRADES)  # tried in this order
_ESCI_NAMES = {name.casefold() for name in ESCI.grades}


def is_fraction(label: str) -> bool:
    """Return whether a label is a number between two grades, such as a mean of several judges."""
    try:
        return not float(label).is_integer()
    except (ValueError, OverflowError):
        return False


def cure_of_label(label: str, otherwise: str) -> str:
    """Return what to do about a label that is not a grade."""
    if not is_fraction(label):
        return otherwise
    return Cure(
        f"take the nearest grade with {by_import('--round-grades')}",
        "tick “Round to the nearest grade”",
    )


def is_whole_number(text: str) -> bool:
    """Return whether a text is an integer in digits."""
    return text.strip().removeprefix("-").isdecimal()


def label_lookup(scheme: LabelScheme) -> dict[str, int]:
    """Map the texts of labels to grades: names as they are and in small letters, and numbers.

    Good and Bad are also true and false; the four grades of ESCI have initials.
    """
    lookup = {name: grade for grade, name in enumerate(scheme.grades)}
    for grade, name in enumerate(scheme.grades):
        lookup.setdefault(name.casefold(), grade)
    if scheme.grades == BINARY.grades:
        lookup |= {"false": 0, "true": 1}
    if {name.casefold() for name in scheme.grades} == _ESCI_NAMES:
        lookup |= {name.casefold()[0]: grade for grade, name in enumerate(scheme.grades)}
    if not any(is_whole_number(name) for name in scheme.grades):
        for grade in range(len(scheme)):  # pandas writes 2 as 2.0 where a grade is missing
            lookup |= {str(grade): grade, f"{grade}.0": grade}
    return lookup
