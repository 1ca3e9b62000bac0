"""Every kind of student, read by the script that travels with it, answers as it does in the lab."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from kdcore.export.check import INVENTED, sample_rows
from kdcore.export.layout import write_student
from kdcore.labels import BINARY
from kdcore.models.build import load_model
from kdcore.models.predict import answer_texts

from .conftest import STUDENTS, TOWER, Make, invented


def student_in(folder: Path) -> Any:
    """`Student()` of the copy in a folder."""
    spec = importlib.util.spec_from_file_location("student", folder / "student.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Student()


def written(make: Make, folder: Path, *kind: Any, **more: Any) -> tuple[Any, Any]:
    """The script's student, and the lab's model."""
    run = make(*kind, **more)
    model = load_model(run.model_folder)
    folder.mkdir()
    write_student(model, folder)
    return student_in(folder), model


@pytest.mark.parametrize("kind", STUDENTS)
def test_the_script_answers_as_the_lab_does(make: Make, tmp_path: Path, kind: str) -> None:
    student, model = written(make, tmp_path / "out", kind)
    ours = answer_texts(model, INVENTED).logits
    np.testing.assert_allclose(student.logits(INVENTED), ours, atol=1e-5)
    assert np.ptp(ours, axis=0).min() > 0.01  # they differ, so the comparison can fail
    alone = [student.logits([row])[0] for row in INVENTED]  # no padding
    np.testing.assert_allclose(torch.stack(alone), ours, atol=1e-5)


ON_FEATURES = ("bert", "twin mean, two towers", "twin residual", "cdssm")
ON_LOGITS = ("bert without marks", "twin trigrams cls", "twin residual max")
ASSISTED = dict.fromkeys(ON_FEATURES, "features") | dict.fromkeys(ON_LOGITS, "logits")


@pytest.mark.parametrize(("kind", "on"), ASSISTED.items())
def test_an_assistant_travels_with_its_student(
    make: Make, tmp_path: Path, kind: str, on: str
) -> None:
    student, model = written(make, tmp_path / "out", kind, on=on)
    ours = answer_texts(model, INVENTED).logits
    np.testing.assert_allclose(student.logits(INVENTED), ours, atol=1e-5)
    alone = answer_texts(model.student, INVENTED).logits
    assert np.abs(ours - alone).max() > 0.01  # it has a say, so the comparison can fail
    if "bert" not in kind:
        queries = student.query_vectors([query for query, _, _ in INVENTED])
        ads = student.ad_vectors([(title, text) for _, title, text in INVENTED])
        np.testing.assert_allclose(student.cross(queries, ads), ours, atol=1e-5)


def test_the_tutorials_head_travels_too(make: Make, tmp_path: Path) -> None:
    params = TOWER | {"head": "half_cosine"}
    student, model = written(
        make, tmp_path / "out", "twinbert_cos", invented(BINARY), params=params
    )
    ours = answer_texts(model, INVENTED).logits
    np.testing.assert_allclose(student.logits(INVENTED), ours, atol=1e-5)


@pytest.mark.parametrize("kind", ["twin weighted", "twin residual", "cdssm"])
def test_vectors_kept_ahead_cross_to_the_same_logits(make: Make, tmp_path: Path, kind: str) -> None:
    student, _ = written(make, tmp_path / "out", kind)
    queries = student.query_vectors([query for query, _, _ in INVENTED])
    ads = student.ad_vectors([(title, text) for _, title, text in INVENTED])
    np.testing.assert_allclose(student.cross(queries, ads), student.logits(INVENTED), atol=1e-5)


def test_plain_transformers_gives_the_same_where_nothing_is_cut(make: Make, tmp_path: Path) -> None:
    _, model = written(make, tmp_path / "out", "bert without marks")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    net = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out").eval()
    rows = [("lamp", "buy a lamp", ""), ("drum", "kettle", "today")]
    given = tokenizer(
        [q for q, _, _ in rows],
        [f"{t} {d}".strip() for _, t, d in rows],
        return_tensors="pt",
        padding=True,
    )
    with torch.no_grad():
        said = net(**given).logits
    np.testing.assert_allclose(said, answer_texts(model, rows).logits, atol=1e-5)
    assert list(net.config.id2label.values()) == list(model.scheme.grades)
    assert tokenizer.model_max_length == 8 + 24 + 3


def test_a_plain_call_without_the_marks_is_wrong_so_the_card_must_say_so(
    make: Make, tmp_path: Path
) -> None:
    student, _ = written(make, tmp_path / "out", "bert")
    row = ("red lamp", "buy a red lamp", "")
    given = student.tokenizer(row[0], row[1], return_tensors="pt")
    with torch.no_grad():
        plain = student.net(**given).logits
    assert (plain - student.logits([row])).abs().max() > 1e-2


def test_the_layout_names_the_newer_and_the_older_tokenizer_class(
    make: Make, tmp_path: Path
) -> None:
    written(make, tmp_path / "out", "bert")
    about = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())
    assert about["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_a_folder_may_be_read_by_everybody(make: Make, tmp_path: Path) -> None:
    written(make, tmp_path / "out", "cdssm")
    assert (tmp_path / "out" / "model.safetensors").stat().st_mode & 0o044 == 0o044


def test_the_check_asks_invented_pairs_and_some_of_the_run(make: Make) -> None:
    rows = sample_rows(make("cdssm"))
    assert rows[: len(INVENTED)] == list(INVENTED)
    assert ("red lamp number 1", "buy a red lamp", "offer 1 today") in rows or len(rows) > 20
