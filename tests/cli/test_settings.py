import re
from pathlib import Path

import pytest
import yaml

from kdcore.catalog import SIZES

from .conftest import Home, Kdlab


def printed(said_out: str) -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load(said_out)
    return loaded


def test_every_problem_of_every_source_is_told_at_once(kdlab: Kdlab, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("student_training: {warmap: 0.5}\n")
    said = kdlab(
        "tutorial", "-c", file, "--student", "twinbert_coss", "--teacher", "bert:layer=3",
        "--epochs", -1, "--soft-weight", 0, "--hard-weight", 0, "--set", "nonsense",
    )  # fmt: skip
    assert (said.code, said.out) == (2, "")
    for problem in (
        "student.name: no student is called 'twinbert_coss': did you mean 'twinbert_cos'?",
        "teacher.params.layer: no such setting; did you mean 'layers'?",
        "teacher_training.epochs: -1 is outside 0..1000",
        "student_training.warmap: no such setting; did you mean 'warmup'?",
        "soft_weight, hard_weight: both are 0",
        "--set nonsense: write key=value",
    ):
        assert problem in said.err


@pytest.mark.parametrize("command", ["tutorial", "finetune"])
def test_printed_settings_read_back_as_the_same_settings(
    command: str, kdlab: Kdlab, tmp_path: Path
) -> None:
    given = ("--epochs", 3, "--seed", 7, "--limit", 50, "--learning-rate", "1e-3")
    said = kdlab(command, *given, "--print-config")
    file = tmp_path / "c.yaml"
    file.write_text(said.out)
    assert said.code == 0
    assert printed(kdlab(command, "--config", file, "--print-config").out) == printed(said.out)


def test_options_win_over_the_file_and_set_wins_over_options(kdlab: Kdlab, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("seed: 1\nlimit: 10\ntraining: {epochs: 2, warmup: 0.3}\nmodel: bert_tiny\n")
    said = kdlab(
        "finetune", "-c", file, "--limit", 20, "--epochs", 5, "--set", "training.epochs=9",
        "--set", "model.params.layers=3", "--print-config",
    )  # fmt: skip
    made = printed(said.out)
    assert (made["seed"], made["limit"]) == (1, 20)
    assert made["training"]["epochs"], made["training"]["warmup"] == (9, 0.3)  # type: ignore[index]
    assert made["model"]["params"]["hidden"] == 128  # type: ignore[index]
    assert made["model"]["params"]["layers"] == 3  # type: ignore[index]


def test_one_epochs_is_for_both_trainings_unless_told_apart(kdlab: Kdlab) -> None:
    made = printed(kdlab("tutorial", "--epochs", 5, "--student-epochs", 9, "--print-config").out)
    assert made["teacher_training"]["epochs"] == 5  # type: ignore[index]
    assert made["student_training"]["epochs"] == 9  # type: ignore[index]


def test_another_model_forgets_the_knobs_of_the_one_before(kdlab: Kdlab) -> None:
    said = kdlab("finetune", "--set", "model.name=cdssm", "--print-config")
    assert said.code == 0
    assert "filters" in printed(said.out)["model"]["params"]  # type: ignore[index]


def test_a_local_folder_is_a_pretrained_encoder(kdlab: Kdlab, tmp_path: Path) -> None:
    made = printed(kdlab("tutorial", "--teacher", tmp_path, "--print-config").out)
    assert made["teacher"]["name"] == "checkpoint"  # type: ignore[index]
    assert made["teacher"]["checkpoint"] == str(tmp_path)  # type: ignore[index]


def test_a_config_of_another_stage_or_no_yaml_is_refused(kdlab: Kdlab, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("stage: distill\nteacher: x\n")
    assert "stage: 'distill' is not one of finetune" in kdlab("finetune", "-c", file).err
    file.write_text("[unclosed")
    assert kdlab("finetune", "-c", file).code == 2
    assert kdlab("finetune", "-c", tmp_path / "none.yaml").code == 2


def test_a_student_learns_from_its_teachers_data_unless_told(home: Home, kdlab: Kdlab) -> None:
    teach = ("distill", "--teacher", home.teacher, "--print-config")
    made = printed(kdlab(*teach).out)
    assert (made["teacher"], made["data"]) == (home.teacher, "small")
    assert printed(kdlab(*teach, "--data", "world").out)["data"] == "world"
    said = kdlab("distill", "--print-config")
    assert said.code == 2
    assert "teacher: name the run that teaches" in said.err


def unwrapped(help: str) -> str:
    """Its words without frame, line ends and punctuation: a terminal may have any width."""
    return " ".join(re.sub(r"[^\w\s.=-]", " ", help).split())


@pytest.mark.parametrize("command", ["infer", "distill"])
def test_help_says_that_data_and_limit_come_from_the_source_run(command: str, kdlab: Kdlab) -> None:
    said = unwrapped(kdlab(command, "--help").out)
    assert "default that of the run it starts from where there is one else world" in said
    assert "default that of the run it starts from where there is one else 0" in said


def test_the_example_of_set_is_taken_by_every_stage(home: Home, kdlab: Kdlab) -> None:
    """`infer` has no training, so training.warmup was refused there."""
    for command in (("finetune",), ("distill", "--teacher", home.teacher), ("infer", home.teacher)):
        assert "--set seed=7" in unwrapped(kdlab(command[0], "--help").out)
        made = printed(kdlab(*command, "--set", "seed=7", "--print-config").out)
        assert made["seed"] == 7


def test_help_names_every_size_of_the_catalog(kdlab: Kdlab) -> None:
    said = kdlab("finetune", "--help").out
    assert [size for size in SIZES if size not in said] == []


def test_refused_settings_are_told_without_the_name_of_a_class(kdlab: Kdlab) -> None:
    for arguments in (("--epochs", -1), ("--set", "nonsense")):
        said = kdlab("tutorial", *arguments)
        assert "These settings cannot be used" in said.err
        assert "TutorialPlan" not in said.err


def test_terms_are_given_again_and_again_and_set_wins(home: Home, kdlab: Kdlab) -> None:
    given = ("distill", "--teacher", home.teacher, "--print-config")
    terms_given = ("--term", "feature:loss=cosine,weight=0.5", "--term", "ranking")
    wins = ("--set", "terms.ranking.params.loss=pearson")
    made = printed(kdlab(*given, *terms_given, "--term", "feature", *wins).out)
    terms: dict[str, dict[str, dict[str, object]]] = made["terms"]  # type: ignore[assignment]
    assert list(terms) == ["feature", "feature_2", "ranking"]
    assert (terms["feature"]["weight"], terms["feature"]["params"]["loss"]) == (0.5, "cosine")
    assert terms["ranking"]["params"]["loss"] == "pearson"
    assert made["method"]["name"] == "response"  # type: ignore[index]
    said = kdlab(*given, "--term", "featur", "--term", "relation:angle=1")
    assert said.code == 2
    assert "--term featur: name: " in said.err
    assert "--term relation:angle=1: params.angle: no such setting" in said.err


def test_a_file_may_list_the_whole_soft_loss(home: Home, kdlab: Kdlab, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("terms: [{method: feature, weight: 0.5}, 'response:temperature=4']\n")
    made = printed(kdlab("distill", "--teacher", home.teacher, "-c", file, "--print-config").out)
    assert made["method"]["name"] == "feature"  # type: ignore[index]
    assert made["soft_weight"] == 0.5
    assert list(made["terms"]) == ["response"]  # type: ignore[call-overload]
