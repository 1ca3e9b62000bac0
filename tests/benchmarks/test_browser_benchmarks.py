"""The benchmarks of the app run from end to end in their quick form; no figure is judged here.

What those with a browser measure is measured on the servers of the other browser tests as well:
tests/browser/test_benchmarks.py.
"""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
QUICK = {"runs_page.py": ("--runs", "60", "--rounds", "1")}  # the others have a --quick
ROWS = {
    "runs_page.py": ("listing, nothing new", "page, 50 side by side", "page, 50 on the frontier"),
    "browser.py": ("| T |", "Plain page, key to paint", "First visit", "Filter 10,000 pairs"),
    "maps.py": ("two linked maps", "Plotly scattergl", "| zoomed in | 1,000 |"),
    "watch.py": ("line in the file to paint", "one full rerun", "5 tabs"),
}


SHOWN = ["runs_page.py", *(pytest.param(name, marks=pytest.mark.slow) for name in list(ROWS)[1:])]


@pytest.mark.parametrize("script", SHOWN)
def test_a_benchmark_of_the_app_prints_every_row(script):
    command = [sys.executable, str(HERE / script), *QUICK.get(script, ("--quick",))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert all(row in ran.stdout for row in ROWS[script])
