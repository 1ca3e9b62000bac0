"""The benchmarks of the families run from end to end in their quick form; no figure is judged."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytestmark = pytest.mark.slow


def printed(script, *options):
    command = [sys.executable, str(HERE / script), "--quick", *map(str, options)]
    env = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_cell_is_trained_once_and_judged_against_labels_and_response(tmp_path):
    asset = tmp_path / "families.json"
    ways = ("--only", "labels", "response", "ranking", "--students", "twinbert_cos")
    first = printed("families.py", "--home", tmp_path, *ways, "--asset", asset)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").iterdir()}
    assert printed("families.py", "--home", tmp_path, *ways) == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").iterdir()} == before
    rows = {row["method"]: row for row in json.loads(asset.read_text(encoding="utf-8"))["rows"]}
    assert {name: set(row["against"]) for name, row in rows.items()} == {
        "labels": set(),
        "response": {"labels"},
        "ranking": {"labels", "response"},
    }
    assert rows["ranking"]["against"]["response"]["roc_auc"]["over_seeds"] == [None, None]
    assert len({row["steps"] for row in rows.values()}) == 1


def test_every_family_of_the_lab_has_a_rate_beside_response(tmp_path):
    file = tmp_path / "rates.json"
    page = printed("throughput.py", "--json", file)
    rates = json.loads(file.read_text(encoding="utf-8"))
    ours = [name for name in rates if name.startswith("ours")]
    assert len(ours) >= 9
    assert all(rates[name] > 0 and name in page for name in ours)
