"""Retrieval over a visitor's own pairs: the labels are the truth, and any query is answered."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from kdcore.__main__ import main
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import FOUR_GRADES
from kdcore.retrieval.ads import ads_of
from kdcore.retrieval.measuring import jobs
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.measure import measure
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.app.opening import MAIN, finding, open_page, sent
from tests.app.visitor import texts

LANGUAGES = ("en", "de")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """120 labelled pairs of 8 queries in two languages, scored by two bundled models."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("imported")
    queries = [
        f"{word} {kind}" for word in ("red", "old") for kind in ("shoes", "car", "tea", "pc")
    ]
    rows = [
        (query, f"{query if hit else 'blue sofa'} {n}", 3 * int(hit))
        for query in queries
        for n, hit in enumerate(rng.random(15) < 0.3)
    ]
    query, title, label = map(list, zip(*rows, strict=True))
    split = [("test", "test", "train", "validation")[n // 15 % 4] for n in range(len(rows))]
    frame = make_frame(query, title, ["Buy it now."] * len(rows), label, split)
    frame["language"] = [LANGUAGES[n % 2] for n in range(len(rows))]
    PairTable(frame, FOUR_GRADES, "mine").save(folder / "data" / "mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDLAB_HOME", str(folder))
        for run in ("cdssm-kd", "cdssm-hard"):
            assert (
                main(["infer", str(Workspace.bundled().runs / run), "--data", "mine", "--quiet"])
                == 0
            )
        yield Workspace(folder)


@pytest.fixture
def opened(home, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(home.root))

    def visit(**choices: str) -> AppTest:
        app = AppTest.from_file(MAIN, default_timeout=60)
        models = {"data": "mine", "student": "cdssm-kd", "teacher": "cdssm-hard"}
        app.query_params.update({"v": "1", **models, **choices})
        open_page(app, "retrieval").run()
        assert not app.exception
        return app

    return visit


def test_labels_are_the_truth_and_any_query_is_answered(opened, home):
    app = opened()
    assert "not measured here yet" in finding(app)
    measured_here(home)
    assert "the labels that there are; an ad without a label counts as worth nothing" in texts(
        opened(feffort="4")
    )
    assert "of the true best" in finding(opened(feffort="4"))

    typed = opened(ftext="red boots", feffort="4", fk="5")
    columns = sent(typed, "found_columns")
    assert "“red boots”: of the 5 ads that exact search finds, the index missed 0" in finding(typed)
    assert "not known for this query" in finding(typed)
    assert [len(column["ads"]) for column in columns["columns"]] == [5, 5, 5, 0]
    assert columns["empty"]
    assert columns["worth"] == {}
    assert "Searched now" in texts(typed)


def test_a_filter_keeps_the_truth_and_says_when_search_is_exact(opened, home):
    measured_here(home)
    german = opened(fonly="language=de", feffort="4", fk="5")
    languages = ads_of(PairTable.load(home.data / "mine")).columns["language"]
    assert f"{(languages == 'de').sum()} of {len(languages)} ads pass" in texts(german)
    for column in sent(german, "found_columns")["columns"]:
        assert column["ads"]
    few = opened(fblock="sofa, red", feffort="4", fk="5")
    shown = sent(few, "found_columns")
    assert not any("sofa" in title or "red" in title for title in shown["titles"].values())
    narrow = opened(fblock="sofa, red, old car, old tea, old pc", feffort="4", fk="5")
    assert "were searched exactly" in texts(narrow)
    assert "searched exactly, without the index" in finding(narrow)
    nothing = opened(fblock="buy it now", feffort="4")
    assert finding(nothing) == "No ad passes this filter."


def measured_here(home: Workspace) -> None:
    """Measure as the page's job does, in this process."""
    pairs = PairTable.load(home.data / "mine")
    runs = RunStore(Workspace.bundled().runs)
    student, teacher = runs.get("cdssm-kd"), runs.get("cdssm-hard")
    twin = teacher  # the bundled twin of this student
    request = Request(student, teacher, twin, "mine", pairs.content_hash)
    job = jobs.job_of(request, home)
    if job.progress().state == "finished":
        return
    job.folder.mkdir(parents=True)
    measure(student, teacher, "mine", home, twin=twin).save(job.folder / job.result)
