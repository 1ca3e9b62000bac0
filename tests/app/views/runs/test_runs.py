"""The Runs page as a visitor uses it: finding, table, baseline, drift, marks, sweep, trash."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import services, state
from app.services import access
from app.services.runs import differences, listing, names, seeds
from app.services.runs import sweep as sweeps
from app.services.runs.entry import Entry
from app.state import State, changed
from app.views.runs import columns, curves, finding, frontier, missing, parallel, trash
from app.views.runs.queries.curves import drawn
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import LabError, RunError
from kdcore.evaluation.result_files import read_differences
from kdcore.evaluation.tasks import TaskAccuracy, write_tasks
from kdcore.judging import background, results
from kdcore.judging.results import compare_twins
from kdcore.labels import FOUR_GRADES
from kdcore.runs.marks import Marks
from kdcore.runs.purpose import Purpose
from kdcore.runs.speed import Latency
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.app.visitor import button, choices, press, texts, visit
from tests.runs.made_runs import answer, config_of, make_run, speed_of

TITLE = "evil <img src=x> *T* 4"


def pairs_of_world(queries: int = 20, ads: int = 5) -> PairTable:
    draw = np.random.default_rng(0)
    query = [f"thing {q}" for q in range(queries) for _ in range(ads)]
    title = [f"offer {a} for {q}" for q in range(queries) for a in range(ads)]
    frame = make_frame(query, title, [""] * len(query), draw.integers(0, 4, len(query)), "test")
    return PairTable(frame, FOUR_GRADES, "world", "Invented.")


def twin_config(student):
    kept = {k: v for k, v in student.items() if k not in ("student", "method", "teacher")}
    return kept | {"stage": "finetune", "model": student["student"]}


@pytest.fixture(scope="module")
def two_labs(tmp_path_factory) -> Path:
    """A demo of a student and its twin; two runs of the visitor's own. Each test copies them."""
    root, pairs = tmp_path_factory.mktemp("labs"), pairs_of_world()
    demo, own = root / "demo", root / "home"
    pairs.save(demo / "data" / "world")
    student = config_of()
    for key, config, skill in (
        ("kd", student, 2.0),
        ("hard", twin_config(student), 0.4),
        ("teacher", config_of() | {"stage": "finetune", "model": {"name": "bert"}}, 4.0),
    ):
        answer(make_run(demo / "runs" / key, config, title=key, created=5.0), pairs, skill)
    for n, temperature in enumerate((4.0, 8.0)):
        title = TITLE if n == 0 else "T 8"
        folder = make_run(
            own / "runs" / f"own{n}", config_of(temperature), title=title, created=9.0 + n
        )
        answer(folder, pairs, 1.0 + n / 2)
    return root


@pytest.fixture(autouse=True)
def home(two_labs, tmp_path, monkeypatch) -> Workspace:
    demo, own = tmp_path / "demo", tmp_path / "home"
    for folder in (demo, own):
        shutil.copytree(two_labs / folder.name, folder)
    monkeypatch.setenv("KDLAB_DEMO", str(demo))
    monkeypatch.setenv("KDLAB_HOME", str(own))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    services.sources.clear()
    read_differences.cache_clear()
    differences.look_for_comparison.clear()
    monkeypatch.setattr(missing, "BY_ITSELF", 0)
    return Workspace(own)


def page(**link: str) -> AppTest:
    at = visit("runs", **link)
    assert not at.exception
    return at


def measured(at: AppTest, home: Workspace) -> AppTest:
    """The page after its button was pressed and the process in the background is done."""
    press(at, "Compute now")
    background.serve(home, idle=0)
    at.run()
    assert not at.exception
    return at


def view_of(entries, apart=(), override: bool = False) -> listing.RunsView:
    """A view of these runs with the twin as the baseline."""
    base = entry_of("hard")
    return listing.RunsView(entries, entries, (), base, "roc_auc", dict(apart), override=override)


def entry_of(key: str) -> Entry:
    return next(e for e in listing.entries() if e.key == key)


def table(at: AppTest):
    return at.dataframe[0].value


def test_an_empty_workspace_shows_the_demo_and_its_finding(home):
    for run in list(RunStore(home.runs).list()):
        RunStore(home.runs).delete(run.id)
    at = page()
    assert "Of 3 runs measured on the test pairs of world, the best student is kd" in texts(at)
    assert "its difference to the baseline, hard, is not measured yet" in texts(at)
    assert len(table(at)) == 3


def test_measuring_gives_the_finding_its_difference_and_verdict(home):
    at = page()
    assert "4 finished runs are not computed yet" in texts(at)
    assert "4 finished runs are not computed yet" in texts(page(rpick="hard"))
    at = measured(at, home)
    assert "BETTER than the baseline, hard: +" in texts(at)
    assert list(table(at))[:2] == ["title", "ROC-AUC"]  # what a phone shows without a swipe
    rows = table(at).set_index("run")
    assert rows.loc["own1", "verdict"].startswith(("▲", "≈", "▼"))
    assert rows.loc["own1", "verdict"].endswith(" ★")
    assert " its twin, " in rows.loc["own1", "twin"]
    assert rows.loc["hard", "verdict"] == "baseline"
    assert not [b for b in at.button if b.label == "Compute now"]
    entries = {e.key: e for e in listing.entries()}
    view, own1, shown = view_of(list(entries.values())), entries["own1"], table(at)
    csv = columns.exported(view, [[entries[key]] for key in shown["run"]], shown)
    row, kept = csv.set_index("run").loc["own1"], view.delta(own1)
    assert (row["Δ low"], row["Δ high"]) == (kept.low, kept.high)
    assert row["low"] == own1.row.test.metrics["roc_auc"].low
    assert {"95 %", "Δ 95 %"}.isdisjoint(csv)
    assert csv["Δ low"].isna().sum() == 1  # that of the baseline
    best = measured(page(rbase="kd"), home)
    verdict = "(WORSE than|INCONCLUSIVE against) the best"
    assert re.search(rf"The next, T 8, is {verdict}: [−+]0\.\d+ \[", texts(best))


def test_what_was_measured_is_found_again_without_measuring(monkeypatch, home):
    measured(page(), home)
    read_differences.cache_clear()
    monkeypatch.setattr(background, "request", lambda *a: pytest.fail("measured again"))
    assert "BETTER than the baseline, hard: +" in texts(page())


def test_only_settings_that_differ_have_a_column_until_all_are_asked_for():
    few, every = table(page()), table(page(rdiff="0"))
    assert "method.params.temperature" in few
    assert "training.epochs" not in few
    assert "training.epochs" in every


def test_a_search_finds_a_setting_by_path_and_value():
    at = page(rfind="temperature=8")
    assert table(at)["run"].tolist() == ["own1"]
    assert "No run matches all of these" in texts(page(rfind="nothing has this"))


def test_titles_of_runs_are_never_markup():
    at = page(ropen="own0")
    assert TITLE in table(at)["title"].tolist()
    assert "<img src=x>" not in "\n".join(str(m.value) for m in at.markdown)


def test_a_link_chooses_runs_and_opens_one():
    at = page(rpick="own0,kd", ropen="own1")
    assert "2 chosen" in texts(at)
    assert at.selectbox(key="runs_open").value == "own1"


def test_a_run_of_several_tasks_shows_each_beside_its_majority_share_and_its_curve(home):
    config = config_of() | {"stage": "multitask", "model": {"name": "bert"}}
    config = {k: v for k, v in config.items() if k not in ("student", "method", "teacher")}
    folder = make_run(home.runs / "tasks", config, title="tasks", created=20.0)
    answer(folder, pairs_of_world(), 1.0)
    click = TaskAccuracy(
        "click", "test", 0.9, 0.8, 0.95, 0.7, 0.1, 0.25, "no click", 2, 100, 20, 1.0
    )
    write_tasks(folder, [click])
    lines = [{"step": n, "time": n, "validation_task_click": n / 10} for n in (4, 8)]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    at = page(ropen="tasks")
    rows = next(frame.value for frame in at.dataframe if "majority share" in frame.value)
    assert rows.to_dict("records") == [
        {
            "task": "click",
            "split": "test",
            "accuracy [95 %]": "0.900 [0.800, 0.950]",
            "majority share": "0.700 (no click)",
            "n": "100 pairs, 20 queries",
        }
    ]
    charts = [chart.proto.spec for chart in at.get("plotly_chart")]
    assert any("click" in spec and "validation accuracy" in spec for spec in charts)


def test_the_star_moves_the_baseline_and_outlives_the_visit(home):
    at = press(page(rpick="own1"), "Make it the baseline")
    assert table(at).set_index("run").loc["own1", "verdict"] == "baseline"
    assert Marks(home).read()["own1"].star
    assert "the baseline, T 8, starred in this workspace" in texts(page())
    assert choices(page()).runs.baseline == "own1"  # the address names it, whatever is starred next
    assert "starred in" not in texts(page(rbase="hard"))
    assert table(page()).set_index("run").loc["own1", "verdict"] == "baseline"


def test_an_unknown_baseline_of_a_link_is_named_and_another_stands_in():
    at = page(rbase="gone")
    assert "no run here is called" in texts(at)
    assert "hard" in table(at)["run"].tolist()


def test_other_pairs_stand_apart_until_the_override_which_stays_visible(home):
    make_run(home.runs / "odd", config_of(), data_hash="f" * 16, created=99.0)
    at = page()
    assert "1 run does not match the baseline" in texts(at)
    assert "other test pairs" in table(at).set_index("run").loc["odd", "verdict"]
    at.toggle(key="w_rover").set_value(True).run()
    assert "Different inputs share these charts" in texts(at)
    for view in ("diff", "parallel", "frontier", "curves"):
        assert "Different inputs share these charts" in texts(page(rover="1", rview=view))


def test_gains_of_the_data_set_are_no_metric_where_no_run_was_tested_with_them(home):
    offered = page().selectbox(key="w_rmetric").options
    assert "nDCG@5" in offered
    assert not [name for name in offered if "own gains" in name]


def test_training_curves_are_of_the_chosen_runs_and_say_which_ones_have_none(home):
    (home.runs / "own0" / "metrics.jsonl").unlink()
    at = page(rview="curves", rpick="kd,hard,own0", rover="1", wmetric="nll")
    assert "1 run has fewer than two validations" in texts(at)
    figure = json.loads(at.get("plotly_chart")[0].proto.spec)
    lines = [line for line in figure["data"] if line["name"] != "Names"]
    assert [line["name"] for line in lines] == ["Labels only", "Response"]
    assert "0.700 at step 20" in curves.sentence(
        drawn([entry_of("kd")], "validation_roc_auc"), "roc_auc"
    )


def test_the_chart_names_the_runs_that_it_leaves_out_and_shows_them_all_the_same(home):
    Purpose(twin="own1").write(home.runs / "own0")
    for folder, pairs in (
        *((home.runs / key, [2000, "c" * 16]) for key in ("own0", "own1")),
        *((access.demo().runs / key, [4000, "b" * 16]) for key in ("kd", "hard", "teacher")),
    ):
        validated = {"kdlab": "0.1.0", "pairs": {"validation": pairs}}
        (folder / "provenance.json").write_text(json.dumps(validated))
    at = page(rview="curves")
    reason = "and its twin (2,000 validation pairs, the others 4,000)"
    assert "Left out: " in texts(at)
    assert reason in texts(at)
    button(at, "runs_curves_mix").click().run()
    assert choices(at).runs.mix_inputs
    assert any("Different inputs together: " in c.value for c in at.caption)


def test_one_run_is_among_the_runs_shown_or_says_that_it_is_not():
    assert page(rview="one", rfind="temperature=8").selectbox(key="runs_open").value == "own1"
    at = page(rview="one", rfind="temperature=8", ropen="kd")
    assert at.selectbox(key="runs_open").value == "kd"
    assert "This run is not among the runs shown above." in texts(at)


def test_all_pairs_stand_above_every_limit_and_axes_are_called_as_in_the_form(home):
    limits = parallel.Axis("limit", "Pair limit", [0, 500, 2000, None], zero_is_all=True)
    axis, places = limits.view()
    assert axis.ticks == [(0.0, "500"), (0.5, "2,000"), (1.0, "all")]
    assert places == [1.0, 0.0, 0.5, -1.0]
    make_run(home.runs / "fewer", config_of(limit=500), title="fewer")
    axes, _ = parallel.axes_of(view_of(listing.entries()), listing.entries())
    titles = {axis.key: axis.title for axis in axes}
    assert titles["limit"] == "Pair limit"
    assert "TwinBERT cosine" in next(axis.values for axis in axes if axis.key == "student")


def test_a_run_says_in_words_why_it_was_made_and_nothing_of_empty_notes(home):
    Purpose(twin="own1").write(home.runs / "own0")
    Purpose(role="twin", preset="sixty_seconds").write(home.runs / "own1")
    made = json.dumps({"kdlab": "0.1.0", "notes": []})
    (home.runs / "own1" / "provenance.json").write_text(made)
    words = texts(page(ropen="own1"))
    title = entry_of("own0").title
    assert f"Made as the twin of {title}; from the preset A first student." in words
    assert "notes" not in words.partition("Behind its numbers: ")[2].partition("\n")[0]


def test_an_export_says_which_inputs_stand_behind_it(home):
    from app.views.runs.drift import inputs

    make_run(home.runs / "odd", config_of(), data_hash="f" * 16, created=99.0)
    apart = {"odd": ("other test pairs",)}
    made = view_of(listing.entries(), apart, override=True)
    base = made.base
    assert "DIFFERENT INPUTS TOGETHER: other test pairs (1)" in inputs(made)
    assert f"data={base.row.test.data_hash}" in inputs(made)


def test_seeds_fold_into_one_row_with_their_spread(home):
    for seed in (1, 2):
        folder = make_run(home.runs / f"seed{seed}", config_of(4.0, seed=seed), title=TITLE)
        answer(folder, pairs_of_world(), 1.0)
    rows = table(page()).set_index("title")
    assert rows.loc[f"{TITLE} · 3 seeds", "seeds"].startswith("3: sd 0.")
    assert rows.loc[f"{TITLE} · 3 seeds", "verdict"] == ""
    assert len(table(page(rfold="0"))) == len(rows) + 2
    starred = table(page(rbase="seed1")).set_index("run")
    assert starred.loc["seed1", "verdict"] == "baseline"
    assert [r for r in starred.index if "," in r] == ["own0, seed2"]


def test_a_note_and_tags_are_kept_and_searched(home):
    at = page(ropen="own0")
    at.text_input(key="runs_tag_own0").set_value("candidate, T sweep").run()
    at.text_area(key="runs_note_own0").set_value("promising").run()
    assert Marks(home).read()["own0"].tags == ("candidate", "T sweep")
    assert table(page(rtags="candidate"))["run"].tolist() == ["own0"]
    assert table(page(rfind="promising"))["run"].tolist() == ["own0"]


def test_a_deleted_run_is_taken_back_from_the_trash(home):
    at = press(page(ropen="own0"), "Delete")
    assert "own0" not in table(at)["run"].tolist()
    at = press(at, "Take back")
    assert "own0" in table(at)["run"].tolist()


def test_a_run_of_the_demo_cannot_be_deleted():
    at = page(ropen="kd")
    assert button(at, "Delete").disabled


def test_side_by_side_has_a_column_a_run_and_no_equal_setting():
    assert "One run is chosen: these are the first 5" in texts(page(rview="diff", rpick="own0"))
    at = page(rview="diff", rpick="own0,own1")
    found = at.dataframe[1].value
    assert list(found.columns) == ["", "T 8", TITLE]
    assert "method.params.temperature" in found[""].tolist()
    assert "training.epochs" not in found[""].tolist()


def test_two_runs_open_in_compare_with_their_teacher():
    at = page(rpick="own0,kd")
    now = choices(press(at, "Open in Compare"))
    assert {now.student, now.rival} == {"own0", "kd"}
    assert now.teacher == "teacher"
    assert "Open in Compare: Choose one or two runs." in texts(page(rpick="own0,kd,hard"))


def cell(home, key: str, temperature: float, group: str = "g1", **made) -> Path:
    """A student of a sweep over temperatures."""
    changed = {"method.params.temperature": temperature}
    twin = f"twin{key[-1]}" if (home.runs / f"twin{key[-1]}").exists() else ""
    about = Purpose(group=group, role="cell", twin=twin, sweep="T sweep", changed=changed)
    return make_run(home.runs / key, config_of(temperature, limit=50), purpose=about, **made)


def sweep(home):
    for n, temperature in enumerate((1.0, 2.0)):
        config = twin_config(config_of(temperature, limit=50))
        answer(make_run(home.runs / f"twin{n}", config, auc=None), pairs_of_world(), 0.3)
        answer(cell(home, f"cell{n}", temperature), pairs_of_world(), 2.0)


def test_a_sweep_is_a_heat_map_of_values_before_it_is_judged(home):
    sweep(home)
    at = page(rview="sweep")
    assert "2 of 2 cells are finished" in texts(at)
    spec = json.loads(at.get("plotly_chart")[0].proto.spec)
    assert spec["data"][0]["x"] == ["1.0", "2.0"]


def test_a_queued_sweep_is_a_grid_of_states_at_once(home):
    for n, standing in enumerate(("queued", "running", "queued")):
        cell(home, f"q{n}", n + 1.0, "g2", auc=None, state=standing)
    at = page(rview="sweep")
    spec = json.loads(at.get("plotly_chart")[0].proto.spec)
    assert spec["data"][2]["text"][0] == "queued"
    assert "0 of 3 cells are finished" in texts(at)


def test_a_sweep_that_was_measured_anywhere_needs_no_press(home):
    sweep(home)
    cells = sweeps.sweeps(listing.entries())["g1"]
    assert [c.verdict for c in sweeps.table(cells, "roc_auc").cells] == ["", ""]
    for cell in cells:
        twin = sweeps.twin_of(cell)
        pairs = pairs_of_world()
        compare_twins(cell.row.run, twin.run, pairs, home)  # as a run does at its end
    found = sweeps.table(cells, "roc_auc")
    assert [c.verdict for c in found.cells] == ["BETTER", "BETTER"]
    assert "2 cells are compared with their twins" in found.caution
    assert not [b for b in page(rview="sweep").button if "twins" in b.label]


def on_axes(monkeypatch, search: str) -> listing.RunsView:
    """What parallel axes show after a search."""
    now = changed(State(), runs={"tab": "parallel", "search": search})
    monkeypatch.setattr(state, "now", lambda: now)
    return listing.runs_view()


def test_a_sweep_shown_alone_has_an_axis_for_what_it_varied_and_leaves_none_of_its_runs_out(
    home, monkeypatch
):
    sweep(home)
    for n in range(2):  # other validation pairs than the baseline's, the same for both
        said = {"kdlab": "0.1.0", "pairs": {"validation": [50, "c" * 16]}}
        (home.runs / f"cell{n}" / "provenance.json").write_text(json.dumps(said))
    at = press(page(rview="sweep"), "Show its runs alone")
    now = choices(at)
    assert (now.runs.search, now.runs.selected) == ("sweep=g1", "cell0,cell1")
    view = on_axes(monkeypatch, "sweep=g1")
    assert {e.key for e in view.shown} == {"cell0", "cell1"}
    assert not view.unfit
    axes, _ = parallel.axes_of(view, view.shown)
    keys = [axis.key for axis in axes]
    assert keys[0] == "method.params.temperature"
    assert "threads" not in keys


def test_settings_of_how_a_run_was_computed_are_no_axis(home, monkeypatch):
    for n, threads in enumerate((1, 2)):
        make_run(home.runs / f"thready{n}", config_of(4.0, threads=threads), title=f"thready{n}")
    view = on_axes(monkeypatch, "thready")
    assert len(view.shown) == 2
    assert "threads" not in [a.key for a in parallel.axes_of(view, view.shown)[0]]


def test_names_say_what_differs_among_twenty_runs_and_are_all_unlike():
    made = [
        names.Named(
            f"run{n}",
            "",
            {"limit": 2000 * (1 + n % 2), "seed": n // 10, "hard_weight": 0.5 * (n % 10 > 7)},
            "TwinBERT cosine",
            f"T {1 + n % 10 // 2}",
            1e9 + 86400 * n,
        )
        for n in range(20)
    ]
    found = names.names(made)
    assert len(set(found.values())) == 20
    assert found["run0"] == "TwinBERT cosine, T 1, 2,000 pairs, seed 0"
    assert names.names(made, short=True)["run0"] == "T 1, 2,000 pairs, seed 0"
    assert found["run18"] == "TwinBERT cosine, T 5, 2,000 pairs, hard weight 0.5, seed 1"
    assert max(map(len, names.names(made, short=True).values())) <= 45
    same = names.names([each._replace(key=f"again{i}", created=made[0].created + 86400 * i)
                             for i, each in enumerate([made[0]] * 2)])  # fmt: skip
    assert len(set(same.values())) == 2
    assert names.names(made[:1]) == {"run0": "TwinBERT cosine, T 1"}


def test_the_scores_and_the_notes_of_a_run_are_said_in_sentences(home):
    file = home.runs / "own0" / "provenance.json"
    known = json.loads(file.read_text()) if file.is_file() else {}
    notes = {"notes": ["It was cut."]}
    scores = {"teacher_files": [{"name": "judge.csv", "sha256": "ab" * 32}]}
    file.write_text(json.dumps(known | scores | notes))
    file.with_name("notes.json").write_text(json.dumps(notes))
    shown = texts(page(ropen="own0"))
    assert "Scores of judge.csv, sha256 abababababababab" in shown
    assert "- It was cut." in shown
    assert "[{'name'" not in shown


def test_no_folder_of_the_server_stands_in_settings_yaml_or_command(home):
    teacher = services.demo().runs / "teacher"
    make_run(home.runs / "pathy", config_of(4.0) | {"teacher": str(teacher)}, title="pathy")
    at = page(ropen="pathy", rview="one")
    shown = "\n".join([*(c.value for c in at.code), texts(at), at.dataframe[0].value.to_csv()])
    assert str(teacher.parent) not in shown
    assert "--teacher demo:teacher" in shown
    assert RunStore(home.runs).get("demo:teacher").folder == teacher
    at = page(rview="diff", rpick="pathy,own1", rdiff="0")
    assert str(teacher.parent) not in at.dataframe[1].value.to_csv()


def test_a_scoring_stands_not_among_the_runs_until_it_is_searched(home):
    make_run(home.runs / "scored", {"stage": "infer", "run": "kd", "data": "world"}, auc=None)
    at = page()
    assert "scored" not in table(at)["run"].tolist()
    assert "1 scoring is folded away" in texts(at)
    assert table(page(rfind="stage=infer"))["run"].tolist() == ["scored"]


def test_runs_of_one_title_say_what_differs(home):
    for n, limit in enumerate((10, 20, 20)):
        make_run(home.runs / f"same-named-{n}aaa", config_of(4.0, limit=limit), title="same")
    titles = {e.title for e in listing.entries() if e.title.startswith("same")}
    assert titles == {"same · 10 pairs", "same · 20 pairs · 1aaa", "same · 20 pairs · 2aaa"}


def test_the_command_of_a_sweep_is_around_the_open_run():
    shown = page(rview="sweep", ropen="own1").code[0].value
    assert shown.startswith("kdlab sweep --teacher")
    assert "--grid method.params.temperature=1,2,4,8" in shown


def test_without_a_sweep_the_page_says_how_to_make_one():
    assert "kdlab sweep" in page(rview="sweep").code[0].value


def test_the_frontier_draws_performance_against_parameters_from_one_button():
    at = press(page(rview="frontier", rx="seconds"), "Performance against parameters")
    assert at.query_params["rpaper"] == ["1"] or choices(at).runs.lines_by_method
    assert "arXiv:1910.03723" in texts(at)
    assert "latency measured" in texts(page(rview="frontier", rx="p50"))


def test_families_are_counted_filtered_and_drawn_apart(home):
    feature = {"terms": {"feature": {"weight": 0.5}}}
    for seed, auc in enumerate((0.7, 0.8, 0.9)):
        config = config_of(seed=seed, **feature)
        make_run(home.runs / f"f{seed}", config, auc=auc, title=f"with, seed {seed}")
    at = page(rfold="0")
    pills = next(group for group in at.button_group if group.key == "runs_families")
    assert pills.options == ["Teacher · 1", "Labels only · 1", "Response · 3", "+ feature · 3"]
    pills.set_value(["feature"]).run()
    assert "runs shown here (of " in texts(at)  # the sentence counts what is filtered
    assert choices(at).runs.families == "feature"
    assert set(table(at)["run"]) == {"f0", "f1", "f2"}
    view = listing.runs_view()
    entries = {e.key: e for e in view.entries if e.key in ("f0", "f1", "f2")}
    points = [frontier._point(view, e, frontier.COSTS["parameters"]) for e in entries.values()]
    (point,) = frontier._over_seeds(points, entries)
    assert (point.family, point.way, point.seeds) == ("feature", "TwinBERT cosine, + feature", 3)
    half = 4.302653 * 0.1 / 3**0.5  # Student's t of two degrees of freedom
    assert (point.y, point.low, point.high) == pytest.approx((0.8, 0.8 - half, 0.8 + half))
    (pair,) = frontier._over_seeds(points[:2], entries)
    assert (pair.seeds, pair.low, pair.high) == (2, *sorted((points[0].y, points[1].y)))


def test_a_brush_of_a_link_is_kept_and_its_runs_can_be_told(home):
    at = page(rview="parallel", rbrush="test:60:100")
    assert not at.exception
    made = view_of(listing.entries())
    kept = parallel.inside(made, {"test": (60, 100)})
    assert "teacher" in {e.key for e in kept}
    assert "hard" not in {e.key for e in kept}


def test_a_public_showing_saves_deletes_restores_and_measures_nothing(monkeypatch, home):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    at = page(ropen="own0")
    assert button(at, "Delete").disabled
    assert at.text_area(key="runs_note_own0").disabled
    press(page(rpick="own1"), "Make it the baseline")
    assert not (home.root / "marks.json").exists()
    assert button(page(), "Compute now").disabled
    own = entry_of("own0").row.run
    for act in (
        lambda: trash.delete(own),
        lambda: trash.restore("own0"),
        lambda: differences.measure([]),
    ):
        with pytest.raises(LabError, match="public"):
            act()
    assert own.folder.is_dir()


def test_a_broken_run_is_shown_with_its_problem(home):
    (home.runs / "own0" / "config.json").write_text("{")
    at = page(ropen="own0")
    assert table(at).set_index("run").loc["own0", "state"] == "broken"
    assert "cannot be read" in texts(at)


def seeds_with_twins(home, count: int) -> None:
    for seed in range(1, count + 1):
        config = config_of(2.0, seed=seed, limit=50)
        answer(make_run(home.runs / f"s{seed}", config, title="again"), pairs_of_world(), 2.0)
        twin = make_run(home.runs / f"alone{seed}", twin_config(config), title="alone")
        answer(twin, pairs_of_world(), 0.3)


def folded_row(home, count: int) -> dict:
    seeds_with_twins(home, count)
    view = listing.runs_view()
    each = [e for e in view.entries if e.title.startswith("again")]
    twins = seeds.own_twins(view, each)
    rows = [e.row for e in each]
    differences.measure(differences.lacking(rows, view.base_row, twins))
    background.serve(home, idle=0)
    assert not differences.lacking(rows, view.base_row, twins)
    return columns._over_seeds(view, each, twins)


def test_folded_seeds_are_judged_by_their_own_twins_and_say_over_how_many(home):
    found = folded_row(home, 3)
    assert "to 3 own twins +0." in found["seeds"]
    assert found["twin"].endswith(" own twins")
    assert found["Δ 95 %"] == ""


def test_the_bundled_runs_are_complete_at_first_sight(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "new"))
    monkeypatch.delenv("KDLAB_DEMO", raising=False)
    monkeypatch.setattr(background, "ensure_process", lambda _: pytest.fail("it measures"))
    words = texts(page())
    assert "computed" not in words
    assert "5,000 pairs for 20 epochs, this run from 100,000 pairs (log, whole)" in words


def test_the_finding_of_one_run_names_its_twin_first_and_what_the_baseline_had_more(home):
    folded_row(home, 1)
    differences.measure(differences.lacking([entry_of("s1").row], entry_of("hard").row, {}))
    background.serve(home, idle=0)
    words = texts(page(rfind="again", rbase="hard"))
    assert "The only run shown here (of 7) measured on the test pairs of world is again" in words
    assert re.search(r"BETTER than its twin: \+0\.\d+ \[.*\]; \w+ .* baseline, hard", words)
    assert "(not a fair comparison: the baseline learned from all pairs, this run from 50" in words


def test_two_seeds_with_twins_take_no_side(home):
    assert folded_row(home, 2)["twin"] == "TOO FEW SEEDS against own twins"


def test_the_finding_tells_that_the_best_of_several_flatters_and_over_how_many():
    said = texts(page())
    assert "best of 3 distilled students on this test set: slightly optimistic" in said
    assert "on 100 pairs" in said


def test_a_labels_only_run_is_never_called_the_best_student():
    made = view_of([entry_of("hard")])
    assert "is hard, a labels-only run: ROC-AUC" in finding.sentence(made)


def test_a_cell_of_other_pairs_shares_no_color_with_the_others(home):
    sweep(home)
    path = home.runs / "cell0" / "evaluation" / "test.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data_hash": "f" * 16}))
    answer(cell(home, "cell2", 3.0), pairs_of_world(), 1.0)
    at = page(rview="sweep")
    said = json.loads(at.get("plotly_chart")[0].proto.spec)["data"][1]["text"][0]
    assert said[0] == "other inputs"
    assert "other inputs" not in said[1:]


def test_an_own_copy_of_a_bundled_run_is_deleted_and_restored_as_itself(home):
    copy = home.runs / "kd"
    shutil.copytree(services.demo().runs / "kd", copy)
    entry = entry_of("own:kd")
    assert entry.row.run.folder == copy
    trash.delete(entry.row.run)
    assert not copy.exists()
    assert listing.key_of(trash.restore("kd").id) == "own:kd"


def test_speed_measured_here_of_a_bundled_run_stands_in_the_table(home):
    entry = entry_of("kd")
    Latency(student=speed_of(7.0), machine="here").write(entry.row.run, home)
    again = entry_of("kd")
    assert columns.p50(again) == 7.0


def test_seconds_of_unknown_machines_share_a_frontier_only_by_the_override():
    assert "machine not recorded" in texts(page(rview="frontier", rx="seconds"))
    at = page(rview="frontier", rx="seconds", rover="1")
    assert "Different inputs share these charts" in texts(at)
    assert at.get("plotly_chart")


def test_a_few_missing_differences_need_no_button(monkeypatch, home):
    monkeypatch.setattr(missing, "BY_ITSELF", 10)
    at = page()
    assert not [b for b in at.button if b.label == "Compute now"]
    background.serve(home, idle=0)
    rows = table(at.run()).set_index("run")
    assert rows.loc["own1", "verdict"].startswith(("▲", "≈", "▼"))


def test_a_run_that_cannot_be_evaluated_says_why_and_can_be_tried_again(monkeypatch, home):
    monkeypatch.setattr(missing, "BY_ITSELF", 10)
    page()

    def gone(run):
        raise RunError("the pairs that it was scored on are not here any more")

    monkeypatch.setattr(results, "answered_pairs", gone)
    background.serve(home, idle=0)
    at = page()
    assert "could not be evaluated" in texts(at)
    assert "not here any more" in texts(at)
    monkeypatch.undo()


def test_an_empty_lab_says_where_runs_come_from(home, monkeypatch):
    for root in (home.runs, services.demo().runs):
        shutil.rmtree(root)
    assert "There is no run here yet" in texts(page())


FAMILY_CONFIGS = {
    "ranking alone": {"method": {"name": "ranking", "params": {"loss": "list_kl"}}},
    "several": {"terms": {"feature": {"weight": 0.5}, "relation": {}}, "soft_weight": 0},
    "internal": {"student": {"name": "bert"}, "terms": {"internal": {}}},
    "ensemble": {"teacher": "ensemble:teacher+hard,average=logits"},
    "born again": {"teacher": "born_again"},
    "average": {"teacher": "ema:decay=0.9"},
    "peers": {"teacher": "peer:cdssm"},
    "cooling": {"schedules": {"temperature": {"end": 1.0}, "soft": {"end": 0.0}}},
}


RARE = [pytest.param(name, marks=pytest.mark.slow) for name in list(FAMILY_CONFIGS)[1:]]


@pytest.mark.parametrize("family", ["ranking alone", *RARE])
def test_a_run_of_any_family_opens_in_compare_temperature_and_every_view_of_runs(home, family):
    folder = make_run(home.runs / "new", config_of() | FAMILY_CONFIGS[family], created=20.0)
    answer(folder, pairs_of_world(), 2.5)
    services.sources.clear()
    for path in ("compare", "temperature"):
        at = visit(path, student="new")
        assert not at.exception, path
        assert choices(at).student == "new"
    for view in ("one", "diff", "parallel", "frontier", "curves"):
        at = page(rview=view, ropen="new", rpaper="1", rpick="new,own0")
        assert entry_of("new").method
