"""The palette keeps its contrasts and its meaning in both themes."""

import pytest

from app.kit.figures import style
from kdcore.runs.loss_terms import KINDS


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_mark_stands_out_from_the_background(theme):
    for name, mark in {**style.MARKS, **style.FAMILY_MARKS}.items():
        assert contrast(style.hue(mark, theme == "dark"), style.BACKGROUND[theme]) >= 3, name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_and_grades_stand_out_from_the_background(theme):
    assert contrast(style.TEXT[theme], style.BACKGROUND[theme]) >= 4.5
    assert contrast(style.MUTED[theme], style.BACKGROUND[theme]) >= 4.5
    for grade in style.GRADE_RAMP[theme]:
        assert contrast(grade, style.BACKGROUND[theme]) >= 3


def test_roles_that_meet_in_one_picture_differ_by_more_than_color():
    together = ("teacher", "student", "twin", "rival", "truth", "gold", "defect")
    assert len({(style.MARKS[r].dash, style.MARKS[r].symbol) for r in together}) == len(together)


def test_every_family_has_a_look_of_its_own():
    marks = [style.mark_of(family) for family in KINDS]
    for part in ("light", "dark", "symbol"):
        assert len({getattr(mark, part) for mark in marks}) == len(KINDS)
    lines = [style.dash_of(mark) for mark in marks if mark is not style.MARKS["teacher"]]
    assert len(set(lines)) == len(lines)


def test_every_role_has_its_css_property_in_both_themes():
    sheet = style.css()
    for role in style.MARKS:
        assert sheet.count(f"--kd-{role}:") == 2
