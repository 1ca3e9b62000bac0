"""Numbers of other pairs, splits, metrics or code are kept apart, each with its reason."""

import json

import pytest

from kdcore.judging.drift import (
    inputs_of,
    reasons,
    separate,
    separate_machines,
    separate_validation,
)
from kdcore.runs.listing import row_of
from tests.runs.made_runs import make_run, metrics_of


@pytest.fixture
def base(tmp_path):
    return row_of(make_run(tmp_path / "base"))


def test_runs_of_the_same_inputs_may_share_a_chart(tmp_path, base):
    assert reasons(row_of(make_run(tmp_path / "a", auc=0.5)), base, "roc_auc") == ()


def test_other_pairs_are_kept_apart(tmp_path, base):
    other = row_of(make_run(tmp_path / "a", data_hash="b" * 16))
    assert reasons(other, base, "roc_auc") == ("other test pairs",)


def test_other_code_is_kept_apart(tmp_path, base):
    assert reasons(row_of(make_run(tmp_path / "a", code="9.9")), base, "roc_auc") == ("other code",)


def changed_metric(folder, **changes):
    path = make_run(folder) / "evaluation" / "test.json"
    said = json.loads(path.read_text())
    said["metrics"]["roc_auc"] |= changes
    path.write_text(json.dumps(said))
    return row_of(folder)


def test_another_definition_of_the_metric_is_kept_apart(tmp_path, base):
    other = changed_metric(tmp_path / "a", definition="Ties count as won.")
    assert reasons(other, base, "roc_auc") == ("other metric",)


def test_another_number_of_pairs_is_another_split(tmp_path, base):
    assert reasons(changed_metric(tmp_path / "a", n=7), base, "roc_auc") == ("other split",)


def test_what_was_not_recorded_is_never_taken_for_equal(tmp_path, base):
    unknown = row_of(make_run(tmp_path / "a", data_hash=""))
    assert reasons(unknown, base, "roc_auc") == ("test pairs not recorded",)
    assert reasons(unknown, unknown, "roc_auc") == ("test pairs not recorded",)


def test_a_temperature_parts_only_metrics_that_have_one(tmp_path):
    rows = []
    for temperature in (1.0, 4.0):
        path = make_run(tmp_path / f"t{temperature}") / "evaluation" / "test.json"
        said = json.loads(path.read_text()) | {"temperature": temperature}
        said["metrics"]["teacher_kl"] = metrics_of(0.1)["roc_auc"]
        path.write_text(json.dumps(said))
        rows.append(row_of(path.parents[1]))
    assert reasons(*rows, "roc_auc") == ()
    assert reasons(*rows, "teacher_kl") == ("other metric",)


def test_parting_tells_the_reasons_and_skips_runs_without_the_metric(tmp_path, base):
    same = row_of(make_run(tmp_path / "a"))
    other = row_of(make_run(tmp_path / "b", data_hash="b" * 16, code="9"))
    blank = row_of(make_run(tmp_path / "c", auc=None))
    found = separate([base, same, other, blank], base, "roc_auc")
    assert found.same == (base, same)
    assert found.apart == {other.run.folder: ("other test pairs", "other code")}
    assert found.reasons() == {"other test pairs": 1, "other code": 1}
    assert "data=" in inputs_of(base, "roc_auc").short()


def provenance_of(folder, **said):
    make_run(folder, auc=None)
    (folder / "provenance.json").write_text(json.dumps({"kdlab": "0.1.0"} | said))
    return row_of(folder)


def test_other_and_unknown_validation_pairs_are_kept_apart_without_any_test(tmp_path):
    base, same, other = (
        provenance_of(tmp_path / name, pairs={"validation": [9, held]})
        for name, held in (("base", "a"), ("same", "a"), ("other", "b"))
    )
    unknown = provenance_of(tmp_path / "unknown")
    found = separate_validation([base, same, other, unknown], base)
    assert found.same == (base, same)
    assert found.apart == {
        other.run.folder: ("other validation pairs",),
        unknown.run.folder: ("validation pairs not recorded",),
    }


def test_times_of_other_and_unknown_machines_are_kept_apart(tmp_path):
    base, same, other, unknown = (
        provenance_of(tmp_path / name, machine=machine)
        for name, machine in (("base", "m"), ("same", "m"), ("other", "n"), ("unknown", ""))
    )
    found = separate_machines([base, same, other, unknown], base, latency=False)
    assert found.same == (base, same)
    assert found.apart == {
        other.run.folder: ("other machine",),
        unknown.run.folder: ("machine not recorded",),
    }
    assert separate_machines([base], base, latency=True).same == ()
