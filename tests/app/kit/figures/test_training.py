"""Training curves of several runs: one look and one legend entry per family, names at the ends."""

from app.kit.figures.style import hue, mark_of
from app.kit.figures.training import Curve, curves_table, training_curves

CURVES = [
    Curve("a", "<b>a</b>", "first", "feature", [(10, 0.6), (20, 0.7)]),
    Curve("b", "b", "second", "response", [(10, 0.5), (40, 0.9)]),
    Curve("c", "c", "third", "feature", [(10, 0.4), (20, 0.45)]),
]


def test_runs_of_a_family_share_color_dash_symbol_and_one_entry_of_the_legend():
    lines = [t for t in training_curves(CURVES, "validation ROC-AUC").data if t.name != "Names"]
    legend = [t.name for t in lines if t.showlegend]
    assert legend == ["Response", "+ feature"]
    looks = {(t.name, t.line.color, t.line.dash, t.marker.symbol) for t in lines}
    mark = mark_of("feature")
    assert ("+ feature", hue(mark), mark.dash, mark.symbol) in looks
    assert len(looks) == 2
    assert len({tuple(look[1:]) for look in looks}) == 2


def test_each_line_holds_its_runs_points_and_its_name_stands_at_the_last_one():
    figure = training_curves(CURVES, "validation ROC-AUC")
    assert sorted(list(t.y) for t in figure.data if t.name != "Names") == [
        [0.4, 0.45],
        [0.5, 0.9],
        [0.6, 0.7],
    ]
    names = next(t for t in figure.data if t.name == "Names")
    texts = [text.strip("\u00a0") for text in names.text]
    ends = dict(zip(texts, zip(names.x, names.y, strict=True), strict=True))
    assert ends == {"first": (20, 0.7), "second": (40, 0.9), "third": (20, 0.45)}
    assert "<b>a" not in figure.to_json().replace("\\u003c", "<")


def test_steps_are_on_a_log_scale_where_one_run_takes_many_times_those_of_another():
    kinds = [
        training_curves([*CURVES, Curve("d", "d", "d", "teacher", points)], "NLL").layout.xaxis.type
        for points in ([(10, 0.5), (60, 0.4)], [(10, 0.5), (600, 0.4)])
    ]
    assert kinds == ["linear", "log"]


def test_the_table_has_every_point_with_its_run_and_family():
    table = curves_table(CURVES, "validation ROC-AUC")
    assert len(table) == 6
    assert table.iloc[-1].tolist() == ["c", "c", "+ feature", 20, 0.45]
