"""sentence-transformers, in a process without the lab, gives a run's own vectors and logits."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from kdcore.config import ModelConfig
from kdcore.errors import ConfigError, RunError, UnknownNameError
from kdcore.export import foreign
from kdcore.export.check import INVENTED, run_alone
from kdcore.export.foreign import texts_of, unit_vectors
from kdcore.export.formats import CROSS, SENTENCE, STATIC, misfit
from kdcore.export.reranker import write_reranker
from kdcore.export.sentence import write_sentence
from kdcore.export.static import Static, embed, write_static
from kdcore.export.student import export_student
from kdcore.models.build import load_model
from kdcore.models.predict import answer_texts
from kdcore.models.ready import Ready
from tests.models.pretrained.folders import sentence_folder

from .conftest import TOWER, Make
from .test_export import carried_out, code_of
from .test_families import PROMPTS, encoder
from .test_ready import cut_in_four, rescaled

WITH_WORDS = [row for row in INVENTED if row[0]]  # an empty text has no vector there
PRETRAINED = {  # architecture, pooling, and what else its folder says
    "twin from xlm-r": ("xlm-r", "mean", {"dense": 12, "prompts": PROMPTS}),
    "twin from modernbert, apart": ("modernbert", "lasttoken", {"prompts": PROMPTS}),
}
SHORT = [("lamp", "buy a lamp", ""), ("drum", "kettle", "today"), ("a", "b", "")]
READER = """
import numpy, sentence_transformers as library
given, answers = json.load(sys.stdin), {}
for name, (queries, ads) in given.items():
    place = sys.argv[1] + "/" + name
    if name.startswith("twin"):
        model = library.SentenceTransformer(place, device="cpu")
        answers[name] = [model.encode_query(queries).tolist(), model.encode_document(ads).tolist()]
    else:
        code = name == "bert"
        model = library.CrossEncoder(place, device="cpu", trust_remote_code=code)
        answers[name] = model.predict(list(zip(queries, ads))).tolist()
try:
    library.CrossEncoder(sys.argv[1] + "/bert", device="cpu")
    answers["refused"] = False
except ValueError:
    answers["refused"] = True
print(json.dumps(answers))
"""


def test_a_foreign_process_gives_the_vectors_and_logits_of_every_form(
    make: Make, tmp_path: Path
) -> None:
    """Learned weights, [CLS], the mean, two towers apart, pretrained ones; marked, plain pairs.

    Ready classifiers: calibrated, and with one logit for four grades.
    """
    towers: tuple[str, ...] = ("twin weighted", "twin cls", "twin mean, two towers")
    models = {k: load_model(make(k).model_folder) for k in (*towers, "bert", "bert without marks")}
    for name, (family, pooling, more) in PRETRAINED.items():
        place = sentence_folder(encoder(tmp_path / family, family), pooling, **more)
        params = {"query_tokens": 8, "ad_tokens": 24, "shared": "apart" not in name}
        config = ModelConfig(name="pretrained_cos", checkpoint=str(place), params=params)
        models[name] = load_model(make(config=config).model_folder)
        towers = (*towers, name)
    models["calibrated"] = rescaled(tmp_path / "two")
    models["one logit"] = cut_in_four(tmp_path / "four")
    rows = {k: SHORT if k == "bert without marks" else WITH_WORDS for k in models}
    given = {}
    for kind, model in models.items():
        (tmp_path / kind).mkdir()
        write = write_sentence if kind in towers else write_reranker
        write(model, tmp_path / kind)  # type: ignore[arg-type]
        given[kind] = texts_of(rows[kind])
        if isinstance(model, Ready):
            given[kind] = tuple(zip(*(model.joined(*row) for row in rows[kind]), strict=True))
    static, tower = Static(np.eye(400, 9, dtype=np.float32) + 0.1, 1.0, False), models["twin cls"]
    (tmp_path / "twin static").mkdir()
    write_static(static, tower, tmp_path / "twin static")  # type: ignore[arg-type]
    given["twin static"] = texts_of(WITH_WORDS)
    answers = json.loads(run_alone(READER, tmp_path, given))
    for kind, model in models.items():
        ours = answer_texts(model, rows[kind]).logits
        if kind in towers:
            ours = np.stack(unit_vectors(model, rows[kind]))  # type: ignore[arg-type]
            assert np.abs(ours[0] - ours[1]).max() > 0.01
        if kind == "one logit":
            answers[kind] = model.link(torch.tensor(answers[kind])).detach()  # type: ignore[attr-defined]
        np.testing.assert_allclose(answers[kind], ours, atol=1e-5, err_msg=kind)
    sides = [embed(static.table, tower, side) for side in texts_of(WITH_WORDS)]  # type: ignore[arg-type]
    np.testing.assert_allclose(answers["twin static"], np.stack(sides), atol=1e-6)
    assert answers["refused"]  # never answers without the marks


REFUSALS = [
    ("cdssm", "", SENTENCE, "letter trigrams"),
    ("twin trigrams", "", SENTENCE, "letter trigrams"),
    ("twin residual", "", SENTENCE, "a network over both vectors"),
    ("bert", "", SENTENCE, "reads query and ad together"),
    ("twin weighted", "logits", SENTENCE, "an assistant corrects"),
    ("bert", "features", CROSS, "an assistant corrects"),
    ("twin mean, two towers", "", STATIC, "a token has two vectors"),
    ("bert", "", STATIC, "reads query and ad together"),
    ("twin weighted", "", CROSS, "it is not a cross-encoder"),
]


@pytest.mark.parametrize(("kind", "on", "form", "reason"), REFUSALS)
def test_a_form_that_is_impossible_is_refused_with_its_reason(
    make: Make, tmp_path: Path, kind: str, on: str, form: str, reason: str
) -> None:
    run = make(kind, on=on)
    assert reason in misfit(run, form)
    with pytest.raises(ConfigError, match=reason):
        export_student(run, tmp_path / "out", form=form)
    assert not (tmp_path / "out").exists()


def test_a_mistyped_form_names_the_nearest(make: Make, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'cross-encoder'"):
        export_student(make("bert"), tmp_path / "out", form="crossencoder")


def test_without_the_library_nothing_is_called_good(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "is_installed", lambda: False)
    made = export_student(make("bert without marks"), tmp_path / "out", form=CROSS)
    assert made.difference is None
    assert made.sentence.startswith("Not checked: sentence-transformers is not installed")
    assert "test pairs have a text longer than the model reads" in made.sentence
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Not checked: sentence-transformers is not installed" in card
    assert "where the lab cannot be imported" not in card


def test_vectors_that_differ_are_not_kept(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make("twin cls")
    model = load_model(run.model_folder)

    def answered(program: str, folder: Path, texts: list[list[str]]) -> str:
        rows = [(query, ad, "") for query, ad in zip(*texts, strict=True)]
        queries, ads = unit_vectors(model, rows)  # type: ignore[arg-type]
        content = {"queries": queries + 2e-5, "ads": ads, "cosine": (queries * ads).sum(axis=1)}
        plain = {name: numbers.tolist() for name, numbers in content.items()}
        return json.dumps(plain | {"version": "0"})

    monkeypatch.setattr(foreign, "run_alone", answered)
    with pytest.raises(RunError, match="SentenceTransformer differs from the run's model"):
        export_student(run, tmp_path / "out", form=SENTENCE)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "params", "form"),
    [
        ("twin weighted", None, SENTENCE),
        ("twinbert_cos", TOWER | {"shared": False, "pooling": "cls"}, SENTENCE),
        ("bert", None, CROSS),
        ("bert without marks", None, CROSS),
    ],
)
def test_an_export_is_checked_and_every_line_of_its_card_runs(
    make: Make, tmp_path: Path, kind: str, params: dict[str, object] | None, form: str
) -> None:
    made = export_student(
        make(kind, **({"params": params} if params else {})), tmp_path / "out", form=form
    )
    assert made.reader.startswith("sentence-transformers")
    assert made.difference is not None
    assert made.difference <= 1e-5
    assert made.pairs > len(SHORT)
    printed = carried_out(tmp_path / "out", code_of((tmp_path / "out" / "README.md").read_text()))
    assert "tensor" in printed if form == SENTENCE else "[[" in printed


@pytest.mark.slow
def test_the_grades_on_the_card_are_those_of_the_run(make: Make, tmp_path: Path) -> None:
    """The card's formula, on the foreign cosine, gives the probabilities of our head."""
    run = make("twin weighted")
    export_student(run, tmp_path / "out", form=SENTENCE)
    code = code_of((tmp_path / "out" / "README.md").read_text())
    code = code.replace("red shoes", "red lamp").replace("Garden hose 20 m", "buy a kettle")
    code = code.replace("print(torch.sig", "at_least = (torch.sig").replace(")  # a row", ") #")
    done = subprocess.run(
        [sys.executable, "-c", code + "\nprint('found', at_least.tolist())"],
        cwd=tmp_path / "out",
        capture_output=True,
        text=True,
        check=True,
    )
    at_least = np.array(json.loads(done.stdout.rpartition("found")[2]))
    rows = [("red lamp", "Running shoes Light and cheap.", ""), ("red lamp", "buy a kettle", "")]
    logits = answer_texts(load_model(run.model_folder), rows).logits.astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    above = shares[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    np.testing.assert_allclose(at_least, above, atol=1e-4)
