"""A finished pipeline as plain data: what is read is what was measured, without its runs."""

from dataclasses import replace

import pytest

from kdcore.errors import DataError, RunError
from kdcore.experiments import pipeline
from tests.experiments.finished import finished
from tests.experiments.planned import some_pairs


def test_what_is_read_is_the_plan_the_state_and_the_table_without_ids_of_runs(tmp_path):
    one = finished(tmp_path)
    file = tmp_path / "measured.json"
    pipeline.write_measured([one], file)
    (measured,) = pipeline.read_measured(file)
    assert measured.command == (
        "kdlab recipe relevance --small --data invented --ablation --seed 0"
    )
    assert measured.name == "relevance-small-0-ablation"
    assert measured.plan == one.plan
    table = pipeline.results(one)
    rows = tuple(replace(row, run="") for row in table.rows)
    assert repr(measured.results.rows) == repr(rows)  # nan is not equal to itself
    assert [gain.text for gain in measured.results.gains] == [gain.text for gain in table.gains]
    assert {stage.state for stage in measured.state.stages} == {"finished"}
    text = file.read_text()
    assert not [run for run in one.run_ids().values() if run in text]
    assert str(tmp_path) not in text


def test_an_unfinished_pipeline_and_a_damaged_file_are_refused(tmp_path):
    one = finished(tmp_path)
    some_pairs(log=24).save(tmp_path / "data" / "invented")
    waiting = pipeline.create(one.plan, one.workspace)
    with pytest.raises(RunError, match=waiting.id):
        pipeline.write_measured([one, waiting], tmp_path / "measured.json")
    assert pipeline.read_measured(tmp_path / "measured.json") == ()
    (tmp_path / "damaged.json").write_text('{"pipelines": [{"name": "a"}]}')
    with pytest.raises(DataError, match=r"damaged\.json"):
        pipeline.read_measured(tmp_path / "damaged.json")
