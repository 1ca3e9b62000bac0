"""A student as ONNX says the same at every length and batch size, or says why there is none."""

from pathlib import Path

import numpy as np
import pytest

from kdcore.errors import ConfigError
from kdcore.export import onnx as onnx_module
from kdcore.export.check import INVENTED
from kdcore.export.layout import write_student
from kdcore.export.onnx import require_packages, write_onnx
from kdcore.models.build import load_model
from kdcore.models.predict import answer_texts

from .conftest import STUDENTS, Make
from .test_layout import student_in

pytest.importorskip("onnxruntime")
SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in STUDENTS]


@pytest.mark.parametrize("kind", SLOW)
def test_onnx_says_the_same_at_every_length_and_batch_size(
    make: Make, tmp_path: Path, kind: str
) -> None:
    import onnxruntime

    model = load_model(make(kind).model_folder)
    write_student(model, tmp_path)
    ours = answer_texts(model, INVENTED).logits
    made = write_onnx(tmp_path, INVENTED, ours)
    assert made.problem == ""
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    student = student_in(tmp_path)
    for rows in (INVENTED[2:3], INVENTED[-1:], INVENTED[1:6], INVENTED * 3):
        given = student.inputs(rows)
        asked = {i.name: given[i.name].numpy() for i in session.get_inputs()}
        np.testing.assert_allclose(
            session.run(["logits"], asked)[0], student.logits(rows), atol=1e-4
        )


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "on"), [("bert", "features"), ("cdssm", "logits")])
def test_onnx_holds_the_assistant_too(make: Make, tmp_path: Path, kind: str, on: str) -> None:
    model = load_model(make(kind, on=on).model_folder)
    write_student(model, tmp_path)
    made = write_onnx(tmp_path, INVENTED, answer_texts(model, INVENTED).logits)
    assert made.problem == ""
    assert made.difference <= 1e-4


@pytest.mark.slow
def test_the_towers_of_a_separable_student_travel_alone(make: Make, tmp_path: Path) -> None:
    import onnxruntime

    model = load_model(make("cdssm").model_folder)
    write_student(model, tmp_path)
    made = write_onnx(tmp_path, INVENTED, answer_texts(model, INVENTED).logits)
    assert made.files == ("model.onnx", "query_tower.onnx", "ad_tower.onnx")
    student = student_in(tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "ad_tower.onnx")
    ids = student.inputs(INVENTED)["ad_ids"].numpy()
    vectors = student.ad_vectors([(title, text) for _, title, text in INVENTED])
    np.testing.assert_allclose(session.run(["vector"], {"ids": ids})[0], vectors, atol=1e-5)


def test_a_network_that_cannot_be_exported_says_why_and_leaves_no_file(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(make("cdssm").model_folder)
    write_student(model, tmp_path)

    def refused(*args: object) -> None:
        (tmp_path / "model.onnx").write_bytes(b"half")
        raise NotImplementedError("no operator for this\nand pages of it")

    monkeypatch.setattr(onnx_module, "_export", refused)
    made = write_onnx(tmp_path, INVENTED, answer_texts(model, INVENTED).logits)
    assert made.problem == (
        "This model cannot be written as ONNX: NotImplementedError: no operator for this"
    )
    assert not list(tmp_path.glob("*.onnx"))


def test_a_missing_package_is_told_with_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'kdlab\[export\]'"):
        require_packages()
