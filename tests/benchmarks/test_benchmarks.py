"""`make bench` runs from end to end and compares like with like; no figure is judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "run.py"
CONTENDERS = {
    "distill": {"plain loop", "HF Trainer tuned", "teacher in the loop", "ours"},
    "teacher scoring": {"plain loop", "similar lengths together", "ours", "ours with fp32"},
    "fine-tune": {"plain loop", "HF Trainer tuned", "ours"},
}
SINGLE = {"evaluate", "tokenize and batch", "make the world", "import a CSV"}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    files = {form: folder / f"report.{form}" for form in ("json", "markdown")}
    options = [part for form, file in files.items() for part in (f"--{form}", str(file))]
    command = [sys.executable, str(RUN), "--quick", "--threads", "1", *options]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (part,) = json.loads(files["json"].read_text(encoding="utf-8"))["parts"]
    return part, files["markdown"].read_text(encoding="utf-8"), ran.stdout


@pytest.mark.parametrize("job", CONTENDERS)
def test_every_contender_of_a_race_has_a_row(report, job):
    assert {row["how"] for row in report[0]["rows"] if row["job"] == job} == CONTENDERS[job]


def test_evaluation_growth_and_sources_have_rows(report):
    jobs = {row["job"] for row in report[0]["rows"]}
    assert jobs >= SINGLE
    assert any(job.startswith("evaluate 1,000 pairs") for job in jobs)


def test_all_contenders_compute_the_same_scores_from_the_same_weights(report):
    """A faster loop over another model would be no comparison."""
    gaps = [row["value"] for row in report[0]["rows"] if row["job"] == "sameness"]
    assert len(gaps) == 2
    assert max(gaps) < 1e-4


def test_every_goal_of_the_project_is_answered_with_a_finite_figure(report):
    goals = [goal for row in report[0]["rows"] for goal in row["goals"]]
    assert len(goals) == 10
    assert all(goal["reached"] > 0 for goal in goals)


def test_the_page_for_people_tells_the_machine_and_every_row(report):
    part, markdown, printed = report
    for page in (markdown, printed):
        assert part["environment"]["processor"] in page
        assert all(row["how"] in page for row in part["rows"])
