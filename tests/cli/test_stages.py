import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kdcore import lab
from kdcore.data import names
from kdcore.data.pairs import PairTable
from kdcore.predictions import Predictions

from .conftest import STUDENT, TEACHER, TINY, Home, Kdlab

FINETUNE = ("finetune", "--data", "small", "--model", TEACHER)


def test_the_tutorial_prints_one_table_and_says_what_it_rests_on(
    home: Home, kdlab: Kdlab, tmp_path: Path
) -> None:
    said = kdlab(
        "tutorial", "--data", "small", "--limit", 60, "--out", tmp_path / "out",
        "--teacher", TEACHER, "--student", STUDENT, *TINY,
    )  # fmt: skip
    assert said.code == 0
    for word in ("teacher_ft", "student_ft", "student_kd", "ROC-AUC", "PR-AUC", "nDCG@5", "[0."):
        assert word in said.out
    assert "the table small.tsv" in said.out
    assert "test 24" in said.out
    assert str(tmp_path / "out") in said.out
    tasks = [line.split(":")[0] for line in said.err.splitlines()]
    assert tasks == ["teacher_ft", "student_ft", "teacher_inf", "student_kd", "eval"]
    assert (tmp_path / "out" / "tutorial.json").exists()


def test_the_tutorial_in_json_is_one_document_with_a_row_a_model(home: Home, kdlab: Kdlab) -> None:
    said = kdlab(
        "tutorial", "--data", "small", "--teacher", TEACHER, "--student", STUDENT, *TINY,
        "--temperature", 3, "--json", "--quiet",
    )  # fmt: skip
    told = said.json
    assert (said.code, said.err) == (0, "")
    assert [row["task"] for row in told["rows"]] == ["teacher_ft", "student_ft", "student_kd"]
    for row in told["rows"]:
        assert row["roc_auc_low"] <= row["roc_auc"] <= row["roc_auc_high"]
        assert 0 <= row["pr_auc"] <= 1
        assert row["n"] == 24
    assert told["gap_recovered"] is None or isinstance(told["gap_recovered"], float)
    config = lab.store().get(told["runs"]["student_kd"]).settings
    assert config["method"]["params"]["temperature"] == 3
    assert config["student"] == lab.store().get(told["runs"]["student_ft"]).settings["model"]


def test_the_tutorial_says_which_split_served_as_test(
    home: Home, kdlab: Kdlab, tmp_path: Path
) -> None:
    lines = (home.folder / "small.tsv").read_text().splitlines()
    (tmp_path / "dev.tsv").write_text("\n".join(x for x in lines if not x.endswith("\ttest")))
    said = kdlab(
        "tutorial", "-q", "--data", tmp_path / "dev.tsv", "--teacher", TEACHER,
        "--student", STUDENT, *TINY,
    )  # fmt: skip
    assert said.code == 0
    assert "its validation set serves as test set" in said.out


def test_a_finished_training_says_where_it_lies_and_what_comes_next(
    home: Home, kdlab: Kdlab
) -> None:
    said = kdlab(*FINETUNE, *TINY)
    assert said.code == 0
    assert "is finished" in said.out
    assert "`kdlab evaluate " in said.out
    told = kdlab(*FINETUNE, *TINY, "--json").json
    assert (told["state"], told["stage"], told["data"]) == ("finished", "finetune", "small")
    assert Path(told["folder"]).is_dir()


def test_distill_and_infer_answer_in_json(home: Home, kdlab: Kdlab) -> None:
    made = kdlab(
        "distill", "--teacher", home.teacher, "--student", STUDENT, *TINY, "--loss", "mse_logits",
        "--json",
    ).json  # fmt: skip
    assert (made["stage"], made["teacher"], made["method"]) == ("distill", home.teacher, "response")
    inferred = kdlab("infer", made["run"], "--split", "train", "--json").json
    assert (inferred["stage"], inferred["source"]) == ("infer", made["run"])
    assert (Path(inferred["folder"]) / "predictions" / "train.parquet").exists()


def test_scores_of_a_file_teach_and_what_was_read_of_them_is_printed(
    home: Home, kdlab: Kdlab, tmp_path: Path
) -> None:
    """A language model's grades of some training pairs, imported under a name."""
    train = lab.pairs_of(lab.FinetuneConfig(data="small")).split("train")
    half = train.frame.iloc[::2]
    names = [train.scheme.grades[grade] for grade in half["grade"]]
    file = tmp_path / "judge.jsonl"
    graded = half[["query", "title", "description"]].assign(verdict=names[::-1])
    graded.to_json(file, orient="records", lines=True)
    reading = ("--kind", "grade", "--column", "verdict", "--split", "train", "--partial")
    brought = kdlab("bring", file, "--data", "small", "--name", "A judge", *reading)
    assert brought.code == 0, brought.err
    made = kdlab(
        "distill", "--teacher", "file:A judge", "--data", "small", "--student", STUDENT, *TINY
    )
    assert made.code == 0
    for text in (
        f"{len(half)} of the {len(train)} pairs to learn from have a score",
        "one grade per",
    ):
        assert text in made.out
    run = made.out.split(" is finished")[0]
    for text in ("teacher: file:A judge", "the gap recovered are not known"):
        assert text in kdlab("runs", "show", run).out
    refused = kdlab(
        "distill", "--teacher", "file:A judge", "--data", "small", "--method", "feature"
    )
    assert (refused.code, "a file of scores gives logits only" in refused.err) == (2, True)


def test_evaluate_shows_intervals_and_how_many_they_are_over(home: Home, kdlab: Kdlab) -> None:
    text = kdlab("evaluate", home.student).out
    assert "24 labelled pairs of 6 queries" in text
    assert "NLL" in text
    told = kdlab("evaluate", home.student, "--teacher", home.teacher, "--json").json
    assert told["metrics"]["roc_auc"]["n"] == 24
    assert "teacher_agreement" in told["metrics"]
    assert told["comparison"] is None


def test_evaluate_against_another_run_gives_a_verdict_and_files(
    home: Home, kdlab: Kdlab, tmp_path: Path
) -> None:
    files = ("--csv", tmp_path / "d.csv", "--trec", tmp_path, "--per-query", tmp_path / "q.csv")
    said = kdlab("evaluate", home.student, "--against", home.teacher, *files)
    assert said.code == 0
    assert f"against {home.teacher}" in said.out
    assert any(verdict in said.out for verdict in ("BETTER", "WORSE", "INCONCLUSIVE"))
    told = kdlab("evaluate", home.student, "--against", home.teacher, "--json").json
    difference = told["comparison"]["differences"]["roc_auc"]
    assert {"p", "smallest_detectable", "verdict"} <= difference.keys()
    assert (tmp_path / "d.csv").read_text().startswith("data,")
    assert len((tmp_path / "q.csv").read_text().splitlines()) == 7
    assert len((tmp_path / "test.qrels").read_text().splitlines()) == 24
    assert len((tmp_path / f"{home.student}.run").read_text().splitlines()) == 24
    for place, said in (
        (tmp_path, "is a folder"),
        (tmp_path / "a" / "x.csv", "there is no folder"),
    ):
        refused = kdlab("evaluate", home.student, "--csv", place)
        assert (refused.code, said in " ".join(refused.err.split())) == (2, True)
    assert not (tmp_path / "a").exists()


def test_evaluate_reads_pairs_and_predictions_once(
    home: Home, kdlab: Kdlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: Counter[str] = Counter()
    named_pairs, load = names.named_pairs, Predictions.load

    def counted_pairs(*arguments: Any) -> PairTable:
        reads["pairs"] += 1
        return named_pairs(*arguments)

    def counted_load(path: Path) -> Predictions:
        reads[path.parents[1].name] += 1
        return load(path)

    monkeypatch.setattr(names, "named_pairs", counted_pairs)
    monkeypatch.setattr(Predictions, "load", counted_load)
    runs = ("--teacher", home.teacher, "--against", home.teacher)
    more = (*runs, "--trec", tmp_path, "--per-query", tmp_path / "q.csv")
    assert kdlab("evaluate", home.student, *more).code == 0
    assert reads == {"pairs": 1, home.student: 1, home.teacher: 1}


def test_predict_gives_soft_labels_that_sum_to_one_and_flatten_with_temperature(
    home: Home, kdlab: Kdlab
) -> None:
    asked = ("predict", "--run", home.student, "red lamp", "buy a lamp", "today")
    said = kdlab(*asked, "--temperature", 1, "--temperature", 50, "--json")
    sharp, flat = (answer["labels"] for answer in said.json["soft_labels"])
    assert list(sharp) == ["Bad", "Good"]
    assert sum(sharp.values()) == pytest.approx(1)
    assert max(flat.values()) == pytest.approx(0.5, abs=0.05)
    assert "Good" in kdlab(*asked).out
    assert kdlab(*asked, "-T", 0).code == 2
    assert kdlab("predict", "--run", home.student, " ", "title").code == 2


def test_data_that_cannot_be_read_leave_no_run_behind(
    home: Home, kdlab: Kdlab, tmp_path: Path
) -> None:
    before = {run.id for run in lab.store().list()}
    said = kdlab("finetune", "--data", "smal")
    assert said.code == 2
    assert "did you mean 'small'?" in said.err
    (tmp_path / "torn.tsv").write_text("query\ttitle\tdescription\tgrade\na\tb\tc\tnonsense\tx\n")
    said = kdlab("finetune", "--data", tmp_path / "torn.tsv", "--json")
    assert (said.code, said.out) == (3, "")
    assert "line 2" in json.loads(said.err)["problems"][0]
    assert {run.id for run in lab.store().list()} == before


def _the_only_new(before: set[str]) -> Any:
    (new,) = (run for run in lab.store().list() if run.id not in before)
    return new


@pytest.mark.parametrize(
    ("error", "sentence"),
    [("memory", "ran out of memory at batch size 16, and at 1 too"), ("disk", "the disk is full")],
)
def test_a_full_memory_or_disk_ends_a_run_with_a_sentence(
    error: str, sentence: str, home: Home, kdlab: Kdlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from kdcore.recipes import finetune

    causes = {
        "memory": torch.OutOfMemoryError("CUDA out of memory"),
        "disk": OSError(28, "No space left on device"),
    }

    def full(*_: object) -> None:
        raise causes[error]

    monkeypatch.setattr(finetune, "hard_cross_entropy", full)
    before = {run.id for run in lab.store().list()}
    said = kdlab(*FINETUNE, *TINY)
    run = _the_only_new(before)
    assert (said.code, said.out) == (4, "")
    assert sentence in said.err
    assert run.status().state == "failed"
    assert sentence in run.status().message
