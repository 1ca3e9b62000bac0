"""Answers that a teacher has stored in shards can teach on the Distill page, as by command."""

import numpy as np
import pytest

from app.kit import by_hash
from app.services.draft import decode, draft_of, teachers
from app.views.distill.queries import cost
from app.views.distill.queries.cost import Cost
from kdcore.config import InferConfig, to_dict
from kdcore.experiments.command_line import command_of
from kdcore.labels import FOUR_GRADES
from kdcore.runs.record import Record
from kdcore.runs.store import Run, RunStore
from kdcore.scale.shards import Layout, shards_folder, write_manifest, write_shard
from kdcore.workspace import Workspace, write_json_atomic
from tests.app.views.distill.acting import HEAT, knob, page
from tests.app.visitor import button, choices, texts

LOG = "world:log=5000000"  # more than the app would ever load


@pytest.fixture(autouse=True)
def unforeseen(monkeypatch) -> None:
    """Nothing is estimated, which takes time."""
    monkeypatch.setattr(cost, "cost", lambda config, train_twin: Cost(why="not measured"))


def scoring(home: Workspace, teacher: str, data: str, **status) -> Run:
    """A run that scores the log of some data in shards, at the beginning unless status says so."""
    model = teachers()[teacher].run
    config = InferConfig(
        run=RunStore(home.runs).reference(model), data=data, splits=("log",), on="local:2"
    )
    run = RunStore(home.runs).create(to_dict(config))
    Record(**{"state": "stopped", "created": run.created, **status}).write(run.folder)
    by_hash.clear()
    return run


def stored(home: Workspace, teacher: str, data: str, k: int = 4) -> None:
    """A finished scoring with three shards of invented answers."""
    run = scoring(home, teacher, data, state="finished", stage="infer", step=250, total_steps=250)
    key = f"{abs(hash(data)):016x}"[:16]
    layout = Layout(teacher[:16], key, "log", 250, 100, FOUR_GRADES.grades, k, "fp32")
    folder = shards_folder(home) / layout.name
    folder.mkdir(parents=True)
    for shard in layout.shards():
        write_shard(folder, layout, shard, np.zeros((len(shard), 4), dtype=np.float32))
    copied = {"folder": str(folder), **write_manifest(folder, layout).manifest}
    path = run.predictions_path("log").with_suffix(".json")
    path.parent.mkdir()
    write_json_atomic(path, copied)
    by_hash.clear()


def kinds(at):
    return at.button_group(key="distill_teacher_kind")


def test_a_chosen_set_decides_teacher_and_data_in_the_form_the_link_and_the_command(home):
    stored(home, "bert-kd", "world:log=250")
    stored(home, "teacher", LOG)
    stored(home, "teacher", "world:log=99", k=2)
    at = page(settings=f"{HEAT}=4")
    kinds(at).set_value("shards").run()
    sets = at.radio(key="distill_shards")
    assert len(sets.options) == 2
    assert "on the log of world:log=5000000" in sets.options[int(sets.value)].replace("\\", "")
    assert "they keep 2 of 4 logits per pair, and a student needs all" in texts(at)
    assert "from shards no → **yes**" in texts(at)
    settings = decode(choices(at).distill.settings)
    chosen = {"from_shards": "true", "transfer": "train+log", "teacher": "teacher", "data": LOG}
    assert settings == {HEAT: "4", **chosen}
    config = draft_of("sixty_seconds", settings).config
    assert (config.from_shards, config.data, config.method.params.temperature) == (True, LOG, 4)
    shown = next(code.value for code in at.code if code.value.startswith("kdlab distill"))
    assert shown == command_of(config)
    assert "--transfer train+log" in shown
    assert "--set from_shards=true" in shown
    other = next(n for n, each in enumerate(sets.options) if "log=250" in each.replace("\\", ""))
    sets.set_value(f"{other}").run()
    settings = choices(at).distill.settings
    assert "teacher=bert-kd" in settings
    assert "data=world:log=250" in settings
    assert page(settings=settings).radio(key="distill_shards").value == at.radio[0].value
    kinds(at).set_value("ensemble").run()
    assert "from_shards" not in choices(at).distill.settings
    assert "log" not in choices(at).distill.settings
    assert not at.exception


def test_without_shards_the_form_says_how_to_store_some_and_nothing_starts():
    at = page()
    kinds(at).set_value("shards").run()
    command = "kdlab infer demo:teacher --data world:log=100000 --limit 0 --split log --on local:2"
    assert f"No log is scored in shards here yet: `{command}`" in texts(at)
    assert "its answers on the log of world are not stored in shards" in texts(at)
    assert button(at, "distill_start").disabled
    kinds(at).set_value("run").run()
    assert choices(at).distill.settings == ""
    assert not button(at, "distill_start").disabled


def test_an_unfinished_set_says_how_far_it_is_and_how_it_goes_on(home):
    scoring(home, "teacher", LOG, stage="infer", step=150_000, total_steps=5_000_000)
    at = page(settings=f"from_shards=true;transfer=log;teacher=teacher;data={LOG}")
    assert (
        "is unfinished: 150,000 of 5,000,000 pairs are scored. This command continues it:"
        in texts(at)
    )
    assert any(
        code.value.startswith(f"kdlab infer demo:teacher --data {LOG} --limit 0 --split log")
        for code in at.code
    )
    assert f"it has not scored the log of {LOG} to its end; choose a set" in texts(at)
    assert button(at, "distill_start").disabled
    assert not at.exception


def test_what_needs_all_pairs_at_once_rules_stored_shards_out_with_its_reason(home):
    stored(home, "teacher", LOG)
    at = page(settings="method.name=ranking")
    assert "shards" not in [each for each in kinds(at).options if "shards" in each]
    assert button(at, "teacher_shards").disabled
    assert "a term compares the ads of a query, which may lie in several shards" in texts(at)
    at = page(settings=f"from_shards=true;transfer=train+log;teacher=teacher;data={LOG}")
    knob(at, "transfer").set_value("train").run()
    assert "transfer is train, and shards hold the log; choose log" in texts(at)
    assert not at.exception
