"""A quantized network answers nearly as the full one, and its price is told as it was measured."""

from pathlib import Path

import numpy as np
import pytest

from kdcore.export import measure
from kdcore.export.int8 import INT8, _session, logits_of, quantize
from kdcore.export.layout import write_student
from kdcore.export.measure import loss_of, timed_in_turns
from kdcore.export.onnx import AXES, WHOLE, write_onnx
from kdcore.export.price import Loss, Price
from kdcore.export.student import export_student
from kdcore.models.build import load_model
from kdcore.models.predict import answer_texts

from .conftest import Make
from .test_layout import student_in

pytest.importorskip("onnxruntime")


def test_a_network_in_eight_bits_stays_near_and_its_axes_keep_their_names(
    make: Make, tmp_path: Path
) -> None:
    run = make("bert")
    model, rows = load_model(run.model_folder), measure.rows_of(measure.lab.split_of(run, "test"))
    write_student(model, tmp_path)
    assert write_onnx(tmp_path, rows, answer_texts(model, rows).logits).problem == ""
    quantize(tmp_path / WHOLE, tmp_path / INT8)
    student, session = student_in(tmp_path), _session(tmp_path / INT8)
    for name in (WHOLE, INT8):
        given = {i.name: tuple(i.shape) for i in _session(tmp_path / name).get_inputs()}
        assert given == {n: AXES[n] for n in ("input_ids", "attention_mask", "token_type_ids")}
        assert given["input_ids"] == ("batch", "tokens")
    small, full = logits_of(session, student, rows), answer_texts(model, rows).logits
    assert 0 < np.abs(small - full).max() < 0.2 * np.ptp(full)
    loss = loss_of(run, model, lambda given: logits_of(session, student, given), "int8")
    assert loss is not None
    assert loss.pairs == len(rows)
    assert loss.low <= loss.roc_auc - loss.of_run <= loss.high


def test_scores_that_order_the_other_way_lose_all_that_the_run_has(make: Make) -> None:
    run = make("twin weighted")
    model = load_model(run.model_folder)
    loss = loss_of(run, model, lambda rows: answer_texts(model, rows).logits[:, ::-1], "reversed")
    assert loss is not None
    assert loss.roc_auc == pytest.approx(1 - loss.of_run, abs=1e-6)


def test_answers_are_timed_in_turns() -> None:
    order: list[str] = []
    medians, count = timed_in_turns([lambda row: order.append("a"), lambda row: order.append("b")])
    assert order[:4] == ["a", "b", "a", "b"]
    assert count == measure.MOST
    assert len(medians) == 2


def test_a_price_tells_a_loss_without_a_gain_honestly() -> None:
    loss = Loss(100, 0.80, 0.84, -0.05, -0.03, "WORSE")
    slow = Price("int8", "model.onnx", loss, 2.0, 1.0, 200, 1.0, 4.0)
    assert "−0.0400 [−0.0500, −0.0300] on 100 test pairs, WORSE" in slow.sentence
    assert "2 times as slow" in slow.sentence
    unknown = Price("int8", "model.onnx", None, 1.0, 3.0, 200, 1.0, 4.0)
    assert "its loss is not measured" in unknown.sentence
    assert "3 times as fast" in unknown.sentence


@pytest.mark.slow
def test_an_export_in_eight_bits_prints_its_price_and_puts_it_on_the_card(
    make: Make, tmp_path: Path
) -> None:
    made = export_student(make("twin cls"), tmp_path / "out", int8=True)
    assert INT8 in made.files
    assert made.price is not None
    assert made.price.sentence in made.sentence
    card = (tmp_path / "out" / "README.md").read_text()
    assert made.price.sentence in card.partition("## Speed")[2].partition("## Limits")[0]
