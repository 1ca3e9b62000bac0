"""Every benchmark runs from end to end in its quick form; no figure is judged here.

A tiny race of each section is enough to see that a contender is still paced and still compared
with the others: a benchmark that nobody ran for weeks would otherwise break unseen.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CONTENDERS = {
    "distill": {"plain loop", "HF Trainer tuned", "teacher in the loop", "ours"},
    "teacher scoring": {"plain loop", "similar lengths together", "ours", "ours with fp32"},
    "fine-tune": {"plain loop", "HF Trainer tuned", "ours"},
}
SINGLE = {"evaluate", "tokenize and batch", "make the world", "import a CSV"}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    files = {form: folder / f"report.{form}" for form in ("json", "markdown")}
    options = [part for form, file in files.items() for part in (f"--{form}", str(file))]
    printed = quick("run.py", "--threads", "1", *options)
    (part,) = json.loads(files["json"].read_text(encoding="utf-8"))["parts"]
    return part, files["markdown"].read_text(encoding="utf-8"), printed


def quick(script: str, *options: str) -> str:
    """What a benchmark prints in its quick form; it must end well."""
    command = [sys.executable, str(HERE / script), "--quick", *options]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("job", CONTENDERS)
def test_every_contender_of_a_race_has_a_row(report, job):
    assert {row["how"] for row in report[0]["rows"] if row["job"] == job} == CONTENDERS[job]


def test_evaluation_growth_and_sources_have_rows(report):
    jobs = {row["job"] for row in report[0]["rows"]}
    assert jobs >= SINGLE
    assert any(job.startswith("evaluate 500 pairs") for job in jobs)


def test_all_contenders_compute_the_same_scores_from_the_same_weights(report):
    """A faster loop over another model would be no comparison."""
    gaps = [row["value"] for row in report[0]["rows"] if row["job"] == "sameness"]
    assert len(gaps) == 2
    assert max(gaps) < 1e-4


def test_every_goal_of_the_project_is_answered_with_a_finite_figure(report):
    goals = [goal for row in report[0]["rows"] for goal in row["goals"]]
    assert len(goals) == 11
    assert all(goal["reached"] > 0 for goal in goals)


def test_the_page_for_people_tells_the_machine_and_every_row(report):
    part, markdown, printed = report
    for page in (markdown, printed):
        assert part["environment"]["processor"] in page
        assert all(row["how"] in page for row in part["rows"])


def test_a_contender_that_reports_no_step_ends_the_race_with_its_name():
    """A recipe that is no longer paced trains on and on; the race must not wait for it."""
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "import time, types, measure\n"
        "if __name__ == '__main__':\n"
        "    measure.PRELOAD = ()\n"
        "    job, effort = types.SimpleNamespace(threads=1), measure.Effort(1, 0.1, 1)\n"
        "    measure.race({'never paced': unpaced}, job, effort, patience=1.0)\n"
    )
    code = code.replace("if __name__", "from unpaced import unpaced\nif __name__", 1)
    with tempfile.TemporaryDirectory() as folder:
        body = "import time\n\n\ndef unpaced(job, pace):\n    time.sleep(600)\n"
        (Path(folder) / "unpaced.py").write_text(body, encoding="utf-8")
        (Path(folder) / "race.py").write_text(code, encoding="utf-8")
        command = [sys.executable, str(Path(folder) / "race.py")]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "'never paced' reported no step in 1 seconds" in ran.stderr


@pytest.mark.slow
def test_towers_and_sentence_transformers_encode_and_train_in_turns():
    lines = quick("encoders.py").splitlines()
    jobs = [line.split(" | ")[:2] for line in lines if "ours" in line]
    assert jobs == [["| encoding", "ours"], ["| training", "ours"], ["| training", "ours in fp32"]]


@pytest.mark.slow
def test_the_study_gives_a_row_for_each_student_with_both_of_its_trainings():
    lines = quick("study.py", "--students", "cdssm").splitlines()
    rows = [json.loads(line) for line in lines if '"student"' in line]
    assert [row["student"] for row in rows] == ["C-DSSM"]
    assert all(len(row[key]) == 3 for row in rows for key in ("hard", "distilled", "delta"))


@pytest.mark.slow
def test_a_killed_run_and_one_on_a_full_disk_end_as_the_undisturbed_one():
    assert "No orphan, no ticket left, nothing stuck." in quick("chaos.py")


@pytest.mark.slow
def test_a_log_in_shards_is_measured_on_every_executor_and_at_every_length():
    rows = [line.split(" | ")[0] for line in quick("shards.py", "speed").splitlines()[2:]]
    assert rows[:3] == ["| local", "| local:2", "| ray:2"]
    head, _, *rows = quick("shards.py", "memory").splitlines()
    assert "extrapolated" in head
    assert [row.split(" | ")[0] for row in rows] == ["| generate", "| score", "| distill"]


@pytest.mark.slow
def test_exact_and_approximate_search_are_timed_beside_their_peers():
    lines = quick("searches.py").splitlines()
    for how in ("ours", "NumPy argpartition", "faiss flat", "SQ8", "Bits", "HNSW16"):
        assert any(f"| how {how} |" in line for line in lines), how
    exact = [line for line in lines if line.startswith("job exact")]
    assert all(float(line.split("same ads ")[1].split()[0]) > 0.99 for line in exact)


@pytest.mark.slow
def test_a_teacher_that_saw_random_ads_is_compared_with_one_that_did_not():
    lines = quick("random_ads.py").splitlines()
    for who in ("labelled only", "with random ads"):
        for what in ("all ads", "funnel"):
            assert any(line.startswith(f"| {who}: {what} | ") for line in lines)
    verdicts = [line for line in lines if line.endswith((" INCONCLUSIVE |", "BETTER |", "WORSE |"))]
    assert len(verdicts) == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["distill", "finetune", "cores", "evaluate"])
def test_every_open_goal_is_answered_with_its_figures_and_a_verdict(name):
    printed = quick("goals.py", name)
    assert "goal" in printed
    assert "met" in printed.lower()
