"""`kdlab masked`: a teacher, its student, the ablation, and what stays in the workspace."""

import os
import signal
import time

import pytest

from kdcore.language.runs import MaskedStore
from kdcore.workspace import Workspace
from tests.cli.conftest import in_its_own_process

TINY = ("--texts", 100, "--batch-size", 8, "--threads", 1, "--device", "cpu")
TINY = (*TINY, "--set", "log_every=1", "--json")
TEACHER = (*TINY, "--layers", 2, "--hidden", 16, "--heads", 2)


def test_a_teacher_a_student_and_an_ablation_stay_in_the_workspace(empty_home, kdlab):
    said = kdlab("masked", "teacher", "--name", "big", "--steps", "2", *TEACHER)
    assert (said.code, said.json["state"]) == (0, "finished"), said.err
    said = kdlab("masked", "distill", "--teacher", "big", "--name", "small", "--steps", "2", *TINY)
    assert said.code == 0, said.err
    assert said.json["plan"]["texts"] == 100
    assert said.json["results"]["accuracy_kept"]["n"] == said.json["results"]["hidden_words"]
    assert {"loss", "soft", "mlm", "cosine"} <= set(said.json["last"])
    swept = kdlab("masked", "sweep", "--teacher", "big", "--steps", "1", *TINY)
    assert swept.code == 0, swept.err
    cells = {cell["change"]: cell for cell in swept.json["cells"]}
    assert cells["without cosine"]["plan"]["cosine_weight"] == 0
    assert cells["random start"]["plan"]["start"] == "random"
    store = MaskedStore(Workspace(empty_home))
    for change, left_out in (
        ("without-soft-labels", "soft"),
        ("without-hidden-words", "mlm"),
        ("without-cosine", "cosine"),
    ):
        curves = set(store.get(f"ablation-{change}-0").metrics()[-1])
        assert {"soft", "mlm", "cosine"} - curves == {left_out}
    ends = [cell["folder"] for cell in swept.json["cells"]]
    began = [os.stat(f"{folder}/model/model.safetensors").st_mtime_ns for folder in ends]
    again = kdlab("masked", "sweep", "--teacher", "big", "--steps", "1", *TINY)
    assert again.code == 0, again.err
    now = [os.stat(f"{folder}/model/model.safetensors").st_mtime_ns for folder in ends]
    assert now == began  # what is finished is not trained again
    said = kdlab("masked", "store", "--teacher", "big", "--k", 3, "--name", "top3", "--json")
    assert said.code == 0, said.err
    assert said.json["plan"]["texts"] == 100
    assert "3 of " in kdlab("masked", "show", "top3").out
    assert kdlab("masked", "delete", "big").code == 0  # a store needs its teacher no more
    said = kdlab("masked", "distill", "--store", "top3", "--name", "of3", "--steps", "2", *TINY)
    assert said.code == 0, said.err
    assert said.json["results"]["accuracy_kept"]["n"] > 0
    said = kdlab("masked", "distill", "--store", "top3", "--cosine-weight", "1")
    assert said.code == 2
    assert "cosine_weight" in said.err
    listed = kdlab("masked", "list")
    assert "small" in listed.out
    shown = kdlab("masked", "show", "small")
    assert "share kept: " in shown.out
    assert "cosine" in shown.out
    assert kdlab("masked", "delete", "small").code == 0
    assert kdlab("masked", "show", "small").code == 2
    assert kdlab("masked", "restore", "small").code == 0
    assert kdlab("masked", "show", "small").code == 0


def test_a_student_without_its_teacher_is_refused_and_leaves_nothing(empty_home, kdlab):
    said = kdlab("masked", "distill", "--steps", "1")
    assert said.code == 2
    assert "teacher: is missing" in said.err
    said = kdlab("masked", "distill", "--teacher", "./no-such-folder", "--steps", "1")
    assert said.code == 3
    assert "there is no such folder" in said.err
    assert not (empty_home / "masked").exists()
    assert kdlab("masked", "stop", "nothing").code == 2


@pytest.mark.slow
def test_ctrl_c_saves_a_checkpoint_and_says_how_to_go_on(empty_home):
    run = (*TEACHER, "--name", "long", "--steps", "4000")
    child = in_its_own_process("masked", "teacher", *run)
    store = MaskedStore(Workspace(empty_home))
    deadline = time.monotonic() + 60
    while not ((found := store.find("long")) and found.metrics()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "kdlab masked resume long" in err
    status = store.get("long").status()
    assert status.state == "stopped"
    assert (store.get("long").folder / "checkpoint" / "checkpoint.json").exists()
    assert 0 < status.step < 4000
