import json
import time
from dataclasses import replace
from multiprocessing.context import SpawnContext
from pathlib import Path

import pytest

from kdcore.errors import ConfigError, RunError, UnknownNameError
from kdcore.runs import record as record_module
from kdcore.runs import store as store_module
from kdcore.runs.record import Record
from kdcore.runs.store import Run, RunStore


def test_a_new_run_is_queued_and_keeps_its_config_and_title(store: RunStore, run: Run) -> None:
    again = store.get(run.id)
    assert again.settings == {"stage": "distill", "seed": 1}
    assert again.title == "a small one"
    assert again.status().state == "queued"
    assert "-distill-" in run.id


def test_a_stage_with_odd_letters_still_makes_a_safe_id(store: RunStore) -> None:
    run = store.create({"stage": "../../Etwas Böses"})
    assert run.folder.parent == store.root
    assert run.folder.is_dir()


def test_a_taken_id_is_never_given_again(
    store: RunStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two starts in one minute must not write into one folder."""
    monkeypatch.setattr(store_module.time, "strftime", lambda *_: run.id[:13])
    suffixes = iter([run.id[-4:], run.id[-4:], "free"])
    monkeypatch.setattr(store_module, "_random_suffix", lambda: next(suffixes))
    second = store.create({"stage": "distill"})
    assert second.id != run.id
    assert store.get(run.id).settings["seed"] == 1


def _create_with_few_names(root: str) -> list[str]:
    """In a process of its own: five runs, whose random endings collide with the others'."""
    digits = iter("0123456789" * 10)
    store_module._random_suffix = lambda: next(digits)
    return [RunStore(Path(root)).create({"stage": "race"}).id for _ in range(5)]


def test_two_processes_never_get_one_id(tmp_path: Path, spawned: SpawnContext) -> None:
    with spawned.Pool(2) as pool:
        # a child that cannot start would otherwise be waited for without end
        first, second = pool.map_async(_create_with_few_names, [str(tmp_path)] * 2).get(300)
    assert len({*first, *second}) == 10


def test_a_config_that_is_not_json_is_refused_and_leaves_nothing(store: RunStore) -> None:
    with pytest.raises(ConfigError, match="cannot be written as JSON"):
        store.create({"stage": "distill", "model": object()})
    assert store.list() == []
    assert list(store.root.iterdir()) == []


def test_a_run_is_found_by_the_beginning_of_its_id_and_by_its_path(
    store: RunStore, run: Run
) -> None:
    assert store.get(run.id[:-2]) == run
    assert store.get(str(run.folder)).id == run.id
    assert RunStore(store.root / "elsewhere").get(str(run.folder)).settings == run.settings


def test_a_typo_is_answered_with_the_nearest_id(store: RunStore, run: Run) -> None:
    typo = "x" + run.id[1:]
    with pytest.raises(UnknownNameError, match=f"did you mean '{run.id}'"):
        store.get(typo)


@pytest.mark.parametrize("nothing", ["", "..", "/", "no-such-run", "\0", "~nobody", "x" * 5000])
def test_what_is_no_run_is_unknown(store: RunStore, run: Run, nothing: str) -> None:
    with pytest.raises(UnknownNameError):
        store.get(nothing)


def test_a_beginning_that_two_ids_share_is_refused_with_both(store: RunStore, run: Run) -> None:
    other = store.create(run.settings)
    with pytest.raises(UnknownNameError, match="2 runs begin with") as refusal:
        store.get(run.id[:4])
    assert run.id in str(refusal.value)
    assert other.id in str(refusal.value)


def test_an_empty_workspace_lists_no_runs(store: RunStore) -> None:
    assert store.list() == []


def test_runs_are_listed_newest_first(store: RunStore) -> None:
    runs = [store.create({"stage": stage}) for stage in ("zeta", "mid", "alpha")]
    assert [run.id for run in store.list()] == [run.id for run in reversed(runs)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "{torn"),
        ("config.json", "[]"),
        ("config.json", None),
        ("status.json", ""),
        ("status.json", '{"state": "flying"}'),
        ("status.json", '{"state": "running", "pid": "12"}'),
        ("status.json", '{"state": "finished", "created": null}'),
        ("status.json", None),
        ("status.json", "\0\0\0"),
    ],
)
def test_a_broken_folder_is_listed_with_its_reason_beside_the_others(
    store: RunStore, run: Run, name: str, content: str | None
) -> None:
    good = store.create({"stage": "distill"})
    (run.folder / name).unlink()
    if content is not None:
        (run.folder / name).write_text(content)
    states = {listed.id: listed.status() for listed in store.list()}
    assert states[good.id].state == "queued"
    assert states[run.id].state == "broken"
    assert name in states[run.id].message


def test_a_file_and_a_hidden_folder_among_the_runs_are_passed_over(
    store: RunStore, run: Run
) -> None:
    (store.root / "notes.txt").write_text("mine")
    (store.root / ".half-made").mkdir()
    assert [listed.id for listed in store.list()] == [run.id]


def test_a_deleted_run_is_gone(store: RunStore, run: Run) -> None:
    store.delete(run.id)
    assert list(store.root.iterdir()) == []


def test_a_broken_run_can_be_deleted(store: RunStore, run: Run) -> None:
    (run.folder / "status.json").write_text("")
    store.delete(run.id)
    assert store.list() == []


def test_a_run_in_progress_is_not_deleted(store: RunStore, run: Run) -> None:
    with run.write(), pytest.raises(RunError, match="stop it first"):
        store.delete(run.id)
    assert run.status().state == "finished"


def test_a_run_whose_writer_is_tidying_up_is_not_deleted(store: RunStore, run: Run) -> None:
    with run.write() as writer:
        writer.finish("finished")
        with pytest.raises(RunError, match="being written"):
            store.delete(run.id)
    assert run.folder.is_dir()


@pytest.mark.parametrize("how", ["beginning", "path"])
def test_deleting_asks_for_the_whole_id(store: RunStore, run: Run, how: str) -> None:
    """A beginning or a path that reaches further than meant would be gone for good."""
    with pytest.raises(UnknownNameError):
        store.delete(run.id[:8] if how == "beginning" else str(run.folder))
    assert run.folder.is_dir()


@pytest.mark.parametrize("split", ["../../x", "", "a/b"])
def test_a_split_cannot_lead_out_of_the_folder(run: Run, split: str) -> None:
    with pytest.raises(ConfigError):
        run.predictions_path(split)
    with pytest.raises(ConfigError):
        run.evaluation_path(split)


def test_a_silent_process_is_called_stalled(run: Run) -> None:
    with run.write():
        record = Record.read(run.folder)
        assert run.status().message == ""
        replace(record, heartbeat=time.time() - 300).write(run.folder)
        status = run.status()
    assert status.state == "running"
    assert "no sign of life for 300 s" in status.message


def test_a_reused_pid_is_not_mistaken_for_the_run(run: Run) -> None:
    """After a restart of the machine another program has the pid; it must not look alive."""
    with run.write():
        record = Record.read(run.folder)
    assert record.process_start is not None
    replace(record, state="running", ended=None, process_start=record.process_start - 60).write(
        run.folder
    )
    assert run.status().state == "lost"
    assert run.id in run.status().message


def test_last_words_written_while_one_looks_are_believed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record says running, the process ends well, then it is found dead: not lost."""
    with run.write():
        pass
    ended = Record.read(run.folder)
    replace(ended, state="running", ended=None).write(run.folder)

    def end_meanwhile(*_: object) -> bool:
        ended.write(run.folder)
        return False

    monkeypatch.setattr(record_module, "is_alive", end_meanwhile)
    assert run.status().state == "finished"


def test_a_status_is_plain_json(run: Run) -> None:
    with run.write() as writer:
        writer.progress(3, 10, "train")
    told = json.loads(json.dumps(run.status().to_dict()))
    assert (told["state"], told["step"], told["total_steps"]) == ("finished", 3, 10)
