"""Runs that were stopped under the code before the move of the house go on under today's."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kdcore import lab
from kdcore.predictions import Predictions
from kdcore.workspace import Workspace

# stopped at step 8, with the predictions of the same run undisturbed, all written by the old code
OLD = Path(__file__).parents[1] / "fixtures" / "first_house" / "stopped"


@pytest.mark.parametrize("name", ["finetune", "distill"])
def test_a_checkpoint_of_the_old_code_goes_on_to_the_old_result(home: Workspace, name: str) -> None:
    for folder in OLD.iterdir():
        shutil.copytree(folder, home.runs / folder.name)
    run = lab.resume(name, home)
    assert run.status().state == "finished"
    old_lines = (OLD / name / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in old_lines] == run.metrics()[: len(old_lines)]
    expected = Predictions.load(OLD / name / "finished.parquet").logits
    np.testing.assert_allclose(lab.predictions(run, "test").logits, expected, atol=1e-3)
