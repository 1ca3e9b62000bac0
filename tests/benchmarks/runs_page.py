"""Goal G10: 1,000 runs listed within 300 ms, 50 set side by side within 500 ms.

    python tests/benchmarks/runs_page.py [--runs 1000] [--rounds 9]

Folders are made in a temporary place, as large as real ones. Told are the first look of a
process, which reads every folder, then medians of looks: nothing new, one run new, and what the
page does beside the listing. A page is what AppTest runs: the whole script, no browser.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.runs.made_runs import config_of, make_run  # noqa: E402

TEMPERATURES = (1.0, 2.0, 4.0, 8.0)


def main() -> None:
    """Make the runs, take the times, print a line each."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=1000)
    asked.add_argument("--rounds", type=int, default=9)
    given = asked.parse_args()
    # runs that lack a measurement are measured in the background, and may still write
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        os.environ["KDLAB_HOME"] = place
        runs = Path(place) / "runs"
        for n in range(given.runs):
            _make(runs, n)
        _listing(runs, given.rounds)
        _page(given.rounds, [_name(n) for n in range(50)])


def _name(n: int) -> str:
    return f"20260101-{n // 60:02d}{n % 60:02d}-distill-{n:04d}"


def _make(runs: Path, n: int) -> None:
    config = config_of(TEMPERATURES[n % 4], limit=1000 * (1 + n % 3), hard_weight=n / 10)
    title = f"Student {n}"
    folder = make_run(runs / _name(n), config, auc=0.7 + n / 1e5, title=title, created=float(n))
    path = folder / "evaluation" / "test.json"
    said = json.loads(path.read_text())
    said["columns"] = {f"column_{i}": [0.123456] * 400 for i in range(30)}  # as long as real ones
    path.write_text(json.dumps(said))
    line = '{"step": %d, "time": 1795381770.35, "loss": 0.5, "soft": 0.4, "hard": 0.1}\n'
    with (folder / "metrics.jsonl").open("a") as file:
        file.writelines(line % step for step in range(400))


def _listing(runs: Path, rounds: int) -> None:
    from kdcore.runs.listing import rows

    _tell("listing, first look of a process", _times(lambda: rows(runs), 1))
    _tell("listing, nothing new", _times(lambda: rows(runs), rounds))

    def one_new() -> None:
        make_run(runs / f"new-{time.perf_counter_ns()}", config_of(3.0))
        rows(runs)

    _tell("listing, one run new (made meanwhile)", _times(one_new, rounds))


def _page(rounds: int, fifty: list[str]) -> None:
    from streamlit.testing.v1 import AppTest

    for title, link in (
        ("page, table of all runs", {"rview": "trash"}),
        ("page, a search in all runs", {"rview": "trash", "rfind": "temperature=4"}),
        ("page, 50 side by side", {"rview": "diff", "rpick": ",".join(fifty)}),
        ("page, 50 on the frontier", {"rview": "frontier", "rpick": ",".join(fifty)}),
    ):
        at = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
        for name, value in link.items():
            at.query_params[name] = value
        at.run()
        at.switch_page("views/runs/page.py").run()
        if at.exception:
            raise SystemExit(at.exception[0].message)
        _tell(title, _times(lambda at=at: at.run(), rounds))  # type: ignore[misc]


def _times(act: Callable[[], object], rounds: int) -> list[tuple[float, float]]:
    """Seconds by the clock, and seconds that this process computed: a busy machine adds none."""
    taken = []
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        act()
        taken.append((time.perf_counter() - began, time.process_time() - worked))
    return taken


def _tell(what: str, taken: list[tuple[float, float]]) -> None:
    clock, work = (1000 * statistics.median(column) for column in zip(*taken, strict=True))
    sys.stdout.write(f"{what}: {clock:.0f} ms by the clock, {work:.0f} ms of computing\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
