"""Studies: measured in a process of their own, stored whole, and right against brute force."""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

from kdcore.errors import DataError
from kdcore.retrieval.ads import world_ads
from kdcore.retrieval.answer import answer
from kdcore.retrieval.embed import embed_ads, embed_queries, two_towers
from kdcore.retrieval.funnel import Cuts
from kdcore.retrieval.measuring import jobs
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.measure import measure
from kdcore.retrieval.measuring.study import EXACT, Study, points_up_to
from kdcore.retrieval.search import Searcher
from kdcore.retrieval.vectors import AdVectors, vectors_path
from kdcore.runs.record import process_start
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace, read_json

PATIENCE = 600  # seconds; a busy machine is slow, and nothing here is timed


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("retrieval"))


@pytest.fixture(scope="module")
def runs():
    store = RunStore(Workspace.bundled().runs)
    return [store.get(name) for name in ("cdssm-kd", "cdssm-hard")]


@pytest.fixture(scope="module")
def study(runs, workspace) -> Study:
    """Both towers with the first as its own teacher, so that the teacher's order is its own."""
    student, twin = runs
    return measure(student, student, "world:ads=300", workspace, twin=twin, queries=6)


def test_exact_rows_are_those_of_brute_force(study, runs, workspace):
    vectors = embed_ads(runs[0], world_ads(300), workspace).vectors
    typed = embed_queries(two_towers(runs[0]), study.queries)
    for query in range(6):
        order = np.argsort(-(vectors @ typed[query]), kind="stable")[:10]
        np.testing.assert_array_equal(study.ad[study.rows(query, EXACT)][:10], order)


def test_a_student_that_is_its_own_teacher_finds_all_of_its_first_ads(study):
    change = study.teacher_change(5)
    assert change.first == 1.0
    assert change.second < 1.0


def test_curves_rise_to_one(study):
    assert np.all(np.diff(study.ceilings, axis=2) >= -1e-6)
    np.testing.assert_allclose(study.ceilings[:, :, -1], 1)
    assert study.at.tolist() == points_up_to(300).tolist() == [10, 20, 50, 100, 200, 300]


def test_recall_against_the_truth_is_that_of_counting(study):
    shares = study.truth_recall_of(EXACT, 10)
    for query in range(6):
        least = study.best[query][:10].min()
        hits = sum(study.gain[row] >= least for row in study.rows(query)[:10])
        if least > 0:
            assert shares[query] == min(hits, 10) / 10


def test_a_study_is_read_as_it_was_written_and_damage_is_refused(study, tmp_path):
    path = tmp_path / "study.safetensors"
    study.save(path)
    again = Study.load(path)
    np.testing.assert_array_equal(again.hits, study.hits)
    assert again.searches == study.searches
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="no measured retrieval"):
        Study.load(path)


def test_a_study_of_another_version_is_measured_again(study, tmp_path):
    path = tmp_path / "study.safetensors"
    replace(study, card={**study.card, "version": 0}).save(path)
    with pytest.raises(DataError, match="another version"):
        Study.load(path)


def test_the_teacher_alone_is_the_best_order_of_all_ads_by_its_score(study, runs):
    """Its own student: reading every ad is exact search, whatever the funnel's cuts are."""
    assert study.full_queries.tolist() == list(range(6))
    for place in range(6):
        rows = study.rows(place, EXACT)[:20]
        np.testing.assert_array_equal(study.full_gains[place], study.gain[rows])
    exhaustive = len(study.searches) - 11  # SQ8 comes after the lists, bits and the graph follow
    assert study.searches[exhaustive].recipe == "SQ8"
    change = study.funnel_against_alone(exhaustive, Cuts(200, 200), 5)
    assert change.n <= 6
    assert abs(change.difference) < 0.05


@pytest.mark.slow
def test_a_job_measures_in_a_process_of_its_own(runs, workspace):
    request = Request(runs[0], runs[0], None, "world:ads=200")
    done(jobs.job_of(request, workspace), request, workspace)
    assert request.is_answered_by(jobs.study_of(request, workspace))


@pytest.mark.slow
def test_a_job_that_embeds_leaves_vectors_and_indexes(runs, tmp_path):
    request, home = Request(runs[0], runs[0], None, "world:ads=200"), Workspace(tmp_path)
    done(jobs.embedding_of(request, home), request, home)
    vectors = vectors_path(home, request.models[0], world_ads(200).content_hash)
    assert len(AdVectors.load(vectors)) == 200


@pytest.mark.slow
def test_a_measuring_that_is_killed_cancelled_and_started_again_ends_whole(runs, tmp_path):
    request, home = Request(runs[0], runs[0], None, "world:ads=200"), Workspace(tmp_path)
    job = jobs.job_of(request, home)
    first = at_work(job, request, home)
    jobs.start(job, request, home)  # a second visitor
    assert job.progress().state == "running"
    assert read_json(job.folder / "status.json")["pid"] == first
    os.kill(first, signal.SIGKILL)
    ended(first)
    assert (job.progress().state, job.is_needed) == ("lost", True)
    second = at_work(job, request, home)
    job.cancel()
    ended(second)
    assert job.progress().state == "none"
    done(job, request, home)
    assert request.is_answered_by(jobs.study_of(request, home))


def at_work(job, request, workspace) -> int:
    """Start it, and wait until its process says what it does; the process."""
    jobs.start(job, request, workspace)
    end = time.monotonic() + PATIENCE
    while job.progress().step in ("", "starting") and time.monotonic() < end:
        assert job.progress().state == "running"
        time.sleep(0.02)
    return int(read_json(job.folder / "status.json")["pid"])


def ended(pid: int) -> None:
    end = time.monotonic() + PATIENCE
    while process_start(pid) is not None and time.monotonic() < end:
        time.sleep(0.02)
    assert process_start(pid) is None


def done(job, request, workspace):
    jobs.start(job, request, workspace)
    end = time.monotonic() + PATIENCE
    while job.progress().state == "running" and time.monotonic() < end:
        time.sleep(0.2)
    assert job.progress().state == "finished"


def test_a_cancelled_job_is_forgotten(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("kdcore.folder_job.start_detached", lambda *_: None)
    request, home = Request(runs[0], runs[0], None, "world:ads=200"), Workspace(tmp_path)
    job = jobs.job_of(request, home)
    jobs.start(job, request, home)
    assert job.progress().state == "running"
    job.cancel()
    assert job.progress().state == "none"


def test_a_typed_query_is_answered_like_brute_force(runs, workspace):
    searcher = Searcher.open(runs[0], "world:ads=300", workspace, recipe="SQ8")
    blocked = searcher.ads.passing({"vertical": "travel"}, searcher.ads.titles[0])
    query = "flights to rome"
    typed = embed_queries(searcher.model, [query])[0]
    for passing in (None, blocked):
        shown = answer(searcher, searcher.model, query, 5, Cuts(20, 10), passing=passing)
        cosines = searcher.index.vectors.vectors @ typed
        cosines = cosines if passing is None else np.where(passing, cosines, -np.inf)
        order = np.argsort(-cosines, kind="stable")
        assert shown.exact == order[:5].tolist()
        assert set(shown.reranked) <= set(order[:25].tolist())
    assert "searched exactly" in shown.note
