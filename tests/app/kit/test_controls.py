"""What every page's pictures share."""

from app.kit.controls import enlarged
from app.kit.figures.recipe import Step, waterfall
from app.kit.figures.style import TEXT


def test_a_projected_picture_has_larger_type_and_margins_that_hold_it():
    steps = [
        Step("Teacher", "teacher", 0.8, (0.75, 0.85)),
        Step("C-DSSM on labels alone", "student", 0.7, (0.6, 0.8), 0.1, (0.05, 0.12), "BETTER"),
    ]
    usual = waterfall(steps)
    projected = enlarged(usual)
    assert projected.layout.font.size == projected.layout.yaxis.tickfont.size == 18
    assert projected.layout.yaxis.tickfont.color == TEXT["light"]
    assert projected.layout.yaxis.automargin  # else the names of the rows are cut
    assert projected.layout.margin.r > usual.layout.margin.r  # the differences stand there
    assert usual.layout.font.size is None  # a stored figure stays as it is
