"""`kdlab bring`: answers of models trained elsewhere are kept, measured, compared."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from kdcore.data.answers.stored import kept_about

from .conftest import Kdlab, small_table

SKILL = {"teacher": 4.0, "student": 2.0, "twin": 0.5}


@pytest.fixture
def mine(empty_home: Path, kdlab: Kdlab, tmp_path: Path) -> Path:
    """The data set `mine` of 120 pairs, 24 of them its test split."""
    (tmp_path / "mine.tsv").write_text(small_table())
    assert kdlab("data", "import", tmp_path / "mine.tsv").code == 0
    return tmp_path


def answers(folder: Path, role: str, rows: slice = slice(None), label: bool = False) -> Path:
    """A CSV of P(relevant) for the test pairs; the more skill, the nearer to the label."""
    with (folder / "mine.tsv").open() as file:
        pairs = [row for row in csv.DictReader(file, delimiter="\t") if row["split"] == "test"]
    draw = np.random.default_rng(3)
    path = folder / f"{role}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["query", "title", "description", "score", *(["relevance"] * label)])
        for row in pairs[rows]:
            good = row["grade"] == "Good"
            score = 1 / (1 + np.exp(-draw.normal(SKILL[role] * (good - 0.5), 1)))
            texts = [row[name] for name in ("query", "title", "description")]
            writer.writerow([*texts, f"{score:.4f}", *([int(good)] * label)])
    return path


def test_answers_are_kept_under_their_name_and_measured_as_evaluate_does(
    mine: Path, kdlab: Kdlab
) -> None:
    call = ("bring", answers(mine, "teacher", label=True), "--data", "mine", "-q")
    said = kdlab(*call, "--name", "My cross-encoder", "--role", "teacher", "--json").json
    read = said["read"]
    assert (read["pairs"], read["answered"], said["split"]) == (24, 24, "test")
    assert read["columns"]["answer"] == ["score"]
    assert read["columns"]["label"] == "relevance"
    assert read["columns"]["kind"] == "relevance"
    auc = said["metrics"]["roc_auc"]
    assert {"value", "low", "high", "n", "n_unit", "definition"} <= set(auc)
    assert 0.8 < auc["value"] < 1.0
    about = kept_about(Path(said["kept"]))
    assert (about.model, about.origin and about.origin.role) == ("My cross-encoder", "teacher")
    again = kdlab(*call, "--name", "My cross-encoder")
    assert (again.code, again.out) == (3, "")
    assert "replace them with --replace" in again.err
    assert kdlab(*call, "--name", "My cross-encoder", "--replace").code == 0


def test_a_teacher_a_student_and_its_twin_tell_what_distillation_brought(
    mine: Path, kdlab: Kdlab
) -> None:
    for role in SKILL:
        said = kdlab(
            "bring", answers(mine, role), "--data", "mine", "--name", role, "--role", role,
            "-q", "--json",
        ).json  # fmt: skip
        assert (said["gap_recovered"] is None) == (role != "twin")
    gap = said["gap_recovered"]["roc_auc"]
    assert gap["teacher"] > gap["student_kd"] > gap["student_ft"]
    assert said["comparison"]["model_a"] == "student"
    assert said["comparison"]["differences"]["roc_auc"]["verdict"]
    part = answers(mine, "student", slice(2, None))
    call = ("bring", part, "--data", "mine", "--name", "half", "--role", "student", "-q")
    refused = kdlab(*call)
    assert refused.code == 3
    assert "2 of 24 pairs have no prediction" in refused.err
    assert "add --partial to use the 22 answered pairs" in refused.err
    told = kdlab(*call, "--partial").out
    assert "22 of 24 pairs with predictions" in told
    assert "half minus its twin twin, teacher teacher, on the 22 pairs" in told
    assert "gap recovered" in told


def test_what_cannot_be_known_is_asked_for_in_the_words_of_the_command(
    mine: Path, kdlab: Kdlab
) -> None:
    path = answers(mine, "teacher")
    path.write_text(path.read_text().replace("description,score", "description,a"))
    rows = [line.split(",") for line in path.read_text().splitlines()]
    rows = [[*row, "b" if k == 0 else f"{k / 30}"] for k, row in enumerate(rows)]
    path.write_text("\n".join(",".join(row) for row in rows) + "\n")
    call = ("bring", path, "--data", "mine", "--name", "x", "-q")
    said = kdlab(*call)
    assert said.code == 3
    assert (
        "several columns could be the predictions: 'a', 'b'; name one with --column NAME"
    ) in said.err
    assert kdlab(*call, "--column", "a").code == 0
    for wrong in (("--kind", "probs"), ("--role", "boss"), ("--map", "title"), ("--split", "log")):
        assert kdlab(*call, *wrong).code == 2, wrong
    with_error = kdlab(*call, "--json")
    assert json.loads(with_error.err)["exit_code"] == 3


def test_answers_to_a_file_of_pairs_are_measured_and_not_kept(mine: Path, kdlab: Kdlab) -> None:
    said = kdlab("bring", answers(mine, "teacher"), "--data", mine / "mine.tsv", "--name", "x")
    assert said.code == 0
    assert "Not saved: mine is not a data set of this lab" in said.out


@pytest.mark.parametrize("scale", [1.0, 40.0])
def test_metrics_of_probabilities_that_were_made_here_are_marked_and_named(
    mine: Path, kdlab: Kdlab, scale: float
) -> None:
    """P(relevant) of two grades is the model's own in every metric; of a free score, the order."""
    path = answers(mine, "student")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | {"score": float(row["score"]) * scale} for row in rows)
    call = ("bring", path, "--data", "mine", "--name", "one", "--replace", "-q")
    said = kdlab(*call, "--json").json
    free = scale > 1
    expected = {"accuracy", "nll", "brier", "ece_width", "ece_mass"} if free else set()
    assert set(said["made_here"]) == expected
    notes = [note for note in said["notes"] if "gave one number per pair" in note]
    assert len(notes) == free
    for name in ("accuracy", "grade accuracy", "NLL", "Brier", "ECE", "KL"):
        assert all(name in note for note in notes)
    table = kdlab(*call).out
    for key, metric in said["metrics"].items():
        assert (f"{metric['name']} †" in table) == (key in expected), key
    assert ("says nothing about the model" in table) == free


def test_a_constant_model_is_named_as_such(mine: Path, kdlab: Kdlab) -> None:
    path = answers(mine, "student")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | {"score": 0.5} for row in rows)
    said = kdlab("bring", path, "--data", "mine", "--name", "flat", "-q", "--json").json
    assert said["notes"][0] == "flat gives every pair the same score, so it orders nothing."
