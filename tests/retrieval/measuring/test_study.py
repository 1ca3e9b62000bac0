"""Studies: measured in a process of their own, stored whole, and right against brute force."""

import time

import numpy as np
import pytest

from kdcore.errors import DataError
from kdcore.retrieval.ads import world_ads
from kdcore.retrieval.embed import embed_ads, embed_queries, two_towers
from kdcore.retrieval.measuring import jobs
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.measure import measure
from kdcore.retrieval.measuring.study import EXACT, Study, points_up_to
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("retrieval"))


@pytest.fixture(scope="module")
def runs():
    store = RunStore(Workspace.bundled().runs)
    return [store.get(name) for name in ("cdssm-kd", "cdssm-hard")]


@pytest.fixture(scope="module")
def study(runs, workspace) -> Study:
    """Both towers with the first as its own teacher, so that what it likes is its own order."""
    student, twin = runs
    return measure(student, student, "world:ads=300", workspace, twin=twin, queries=6)


def test_exact_rows_are_those_of_brute_force(study, runs, workspace):
    vectors = embed_ads(runs[0], world_ads(300), workspace).vectors
    typed = embed_queries(two_towers(runs[0]), study.queries)
    for query in range(6):
        order = np.argsort(-(vectors @ typed[query]), kind="stable")[:10]
        np.testing.assert_array_equal(study.ad[study.rows(query, EXACT)][:10], order)


def test_a_student_finds_all_that_it_likes_itself(study):
    change = study.teacher_liking(5)
    assert change.student == 1.0
    assert change.twin < 1.0


def test_curves_rise_to_one(study):
    assert np.all(np.diff(study.ceilings, axis=2) >= -1e-6)
    np.testing.assert_allclose(study.ceilings[:, :, -1], 1)
    assert study.at.tolist() == points_up_to(300).tolist() == [10, 20, 50, 100, 200, 300]


def test_a_study_is_read_as_it_was_written_and_damage_is_refused(study, tmp_path):
    path = tmp_path / "study.safetensors"
    study.save(path)
    again = Study.load(path)
    np.testing.assert_array_equal(again.hits, study.hits)
    assert again.searches == study.searches
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="no measured retrieval"):
        Study.load(path)


@pytest.mark.slow
def test_a_job_measures_in_a_process_of_its_own(runs, workspace):
    request = Request(runs[0], runs[0], None, "world:ads=200")
    jobs.start(request, workspace)
    end = time.monotonic() + 240
    while jobs.progress(request, workspace).state == "running" and time.monotonic() < end:
        time.sleep(0.2)
    assert jobs.progress(request, workspace).state == "finished"
    assert request.is_answered_by(jobs.study_of(request, workspace))


def test_a_cancelled_job_is_forgotten(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("kdcore.folder_job.start_detached", lambda *_: None)
    request, home = Request(runs[0], runs[0], None, "world:ads=200"), Workspace(tmp_path)
    jobs.start(request, home)
    assert jobs.progress(request, home).state == "running"
    jobs.cancel(request, home)
    assert jobs.progress(request, home).state == "none"
