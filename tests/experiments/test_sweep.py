import math

import numpy as np
import pytest

from kdcore import lab
from kdcore.errors import ConfigError, LabError, UnknownNameError
from kdcore.experiments import launch
from kdcore.experiments import sweep as sweeps
from kdcore.experiments.sweep import Sweep, launch_sweep, new_runs, sweep_runs, sweep_table
from kdcore.judging import results
from kdcore.predictions import Predictions
from kdcore.runs.purpose import Purpose
from kdcore.runs.record import Record
from kdcore.runs.store import Run, RunStore

from .planned import distillation, planned

T = "method.params.temperature"


@pytest.fixture
def queued(monkeypatch):
    ids = []
    for module in (launch, sweeps):
        monkeypatch.setattr(module, "enqueue", lambda runs, w: ids.extend(run.id for run in runs))
    return ids


def test_a_grid_is_every_value_with_every_other(tmp_path):
    _, teacher = planned(tmp_path)
    made = Sweep(distillation(teacher), {T: [1, 4], "student": ["cdssm", "twinbert_res"]})
    cells = [(c.method.params.temperature, c.student.name) for c in made.configs()]
    assert cells == [(1, "cdssm"), (1, "twinbert_res"), (4, "cdssm"), (4, "twinbert_res")]


def test_too_many_cells_are_refused_with_their_count(tmp_path):
    _, teacher = planned(tmp_path)
    grid = {T: list(range(1, 21)), "seed": list(range(11))}
    with pytest.raises(ConfigError) as told:
        Sweep(distillation(teacher), grid).configs()
    assert "220 cells" in told.value.problems[0]
    assert len(Sweep(distillation(teacher), grid | {"seed": list(range(10))}).configs()) == 200


def test_every_problem_of_a_grid_is_told_at_once(tmp_path):
    _, teacher = planned(tmp_path)
    with pytest.raises(ConfigError) as told:
        Sweep(distillation(teacher), {T: [0, 2], "limitt": [1], "seed": [-1, 1]}).configs()
    said = "\n".join(told.value.problems)
    for part in (f"{T}: 0.0 is outside", "limitt: no such setting", "seed: -1 is outside"):
        assert said.count(part) == 1
    with pytest.raises(ConfigError, match="sweep"):
        Sweep(distillation(teacher), {"seed": []}).configs()
    with pytest.raises(ConfigError) as told:
        Sweep(distillation(teacher), {"seed": [1, "1"]}).configs()
    assert "two cells would train just the same" in told.value.problems[0]


def test_cells_whose_twin_is_the_same_share_it(tmp_path, queued):
    workspace, teacher = planned(tmp_path)
    grid = {"limit": [20, 40], T: [1, 2, 4]}
    made = launch_sweep(Sweep(distillation(teacher), grid, "warmth"), workspace)
    assert len(made) == 6
    assert len({one.twin.id for one in made}) == 2
    assert len(queued) == len(set(queued)) == 8
    assert queued == [run.id for run in new_runs(made)]
    assert queued.index(made[0].student.id) < queued.index(made[0].twin.id)
    about = made[4].student.purpose
    assert (about.role, about.sweep) == ("cell", "warmth")
    assert about.changed == {"limit": 40, T: 2}
    assert made[4].student.title == "TwinBERT cosine, T 2, seed 0, limit 40"
    groups = {run.purpose.group for one in made for run in (one.student, one.twin)}
    assert len(groups) == 1
    assert [run.id for run in sweep_runs(groups.pop(), workspace)] == [o.student.id for o in made]


def test_a_sweep_without_twins_trains_its_cells_only(tmp_path, queued):
    workspace, teacher = planned(tmp_path)
    made = launch_sweep(Sweep(distillation(teacher), {"seed": [1, 2]}), workspace, twin=False)
    assert [one.twin for one in made] == [None, None]
    assert len(queued) == 2


def test_a_grid_that_cannot_be_made_leaves_no_run(tmp_path, queued):
    workspace, teacher = planned(tmp_path)
    with pytest.raises(ConfigError):
        launch_sweep(Sweep(distillation(teacher), {"limit": [20, -1]}), workspace)
    assert len(RunStore(workspace.runs).list()) == 1


def test_a_sweep_that_fails_half_way_leaves_no_run_that_waits_for_ever(tmp_path, monkeypatch):
    workspace, teacher = planned(tmp_path)
    create, made = RunStore.create, []

    def fail(store, config, **rest):
        made.append(config)
        if len(made) == 4:
            raise LabError("the disk is full")
        return create(store, config, **rest)

    monkeypatch.setattr(RunStore, "create", fail)
    with pytest.raises(LabError, match="the disk is full"):
        launch_sweep(Sweep(distillation(teacher), {"limit": [20, 40]}), workspace)
    assert [run.id for run in RunStore(workspace.runs).list()] == [teacher.id]


def test_no_verdict_stands_on_a_side_that_was_ended_early(tmp_path, queued):
    workspace, teacher = planned(tmp_path)
    made = launch_sweep(Sweep(distillation(teacher), {T: [1]}), workspace)[0]
    answered(made.student, 3.0)
    answered(made.twin, -3.0)
    whole = sweep_table([made.student], "roc_auc", workspace)
    assert whole.cells[0].stands
    assert (whole.cells[0].caveats, whole.caution) == ((), "")
    with (made.twin.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "time": 1, "epoch": 0.5}\n')
    short = sweep_table([made.student], "roc_auc", workspace)
    assert (short.cells[0].verdict, short.cells[0].stands) == ("BETTER", False)
    assert short.cells[0].caveats == ("The twin was ended early, after 0.5 of 2 epochs.",)
    assert "is not valid" in short.caution


def test_an_unknown_sweep_is_answered_by_name(tmp_path):
    workspace, _ = planned(tmp_path)
    with pytest.raises(UnknownNameError, match="no sweep is called 'warmth'"):
        sweep_runs("warmth", workspace)


def answered(run: Run, skill: float) -> None:
    """Give a run answers to its test pairs that are right by so much, and an end."""
    pairs = lab.split_of(run, "test")
    rng = np.random.default_rng(0)
    sure = rng.normal(size=len(pairs)) + skill * (2.0 * pairs.relevant - 1)
    logits = np.column_stack([-sure, sure]).astype(np.float32)
    Predictions(logits, pairs.content_hash, run.id).save(run.predictions_path("test"))
    Record(state="finished", created=run.created, title=run.title).write(run.folder)


def test_the_table_tells_each_cell_beside_its_twin_and_warns_of_many(tmp_path, queued, monkeypatch):
    workspace, teacher = planned(tmp_path)
    monkeypatch.setattr(results, "compare", quick(results.compare))
    made = launch_sweep(Sweep(distillation(teacher), {T: [1, 2, 4]}), workspace)
    for one, skill in zip(made, (3.0, 0.1, 0.0), strict=True):
        answered(one.student, skill)
    unfinished = launch_sweep(Sweep(distillation(teacher), {T: [8]}), workspace)
    answered(made[0].twin, 0.0)
    found = sweep_table([one.student for one in made + unfinished], "roc_auc", workspace)
    strong, _, same, missing = found.cells
    assert strong.changed == {T: 1}
    assert strong.low <= strong.value <= strong.high
    assert strong.delta_low <= strong.delta <= strong.delta_high
    assert strong.delta > 0.2
    assert (same.delta, same.verdict, same.stands) == (0, "INCONCLUSIVE", False)
    assert all(cell.q >= cell.p for cell in found.cells[:3])
    assert (missing.state, missing.verdict) == ("queued", "")
    assert math.isnan(missing.value)
    assert "3 cells are compared with their twins" in found.caution
    again = sweep_table([one.student for one in made], "roc_auc", workspace)
    assert again.cells[:3] == found.cells[:3]


def test_a_verdict_that_one_cell_would_earn_may_not_stand_among_many(tmp_path, monkeypatch):
    cells = [
        sweeps.CellResult(f"r{i}", "", "finished", {}, value=0.8, p=p, verdict="BETTER")
        for i, p in enumerate((0.001, 0.04, 0.5, 0.6))
    ]
    told = dict(zip("abcd", cells, strict=True))
    monkeypatch.setattr(sweeps, "_result", lambda run, *rest: told[run])
    found = sweep_table("abcd", "roc_auc")
    assert [cell.stands for cell in found.cells] == [True, False, False, False]
    assert found.cells[1].q == pytest.approx(0.08)


def test_a_table_of_an_unknown_metric_is_refused():
    with pytest.raises(UnknownNameError, match="roc_auc"):
        sweep_table([], "roc_auk")


def quick(compare):
    """The comparison with few draws."""
    few = {"resamples": 50, "permutations": 50, "area_permutations": 50}
    return lambda pairs, a, b, **rest: compare(pairs, a, b, **(rest | few))


def test_a_cell_says_its_parent_and_reads_back(tmp_path, queued):
    workspace, teacher = planned(tmp_path)
    about = Purpose(parent="20261122-2330-distill-abcd")
    (made,) = launch_sweep(Sweep(distillation(teacher), {"seed": [3]}), workspace, purpose=about)
    assert made.student.purpose.parent == about.parent
    assert made.student.config.seed == 3
