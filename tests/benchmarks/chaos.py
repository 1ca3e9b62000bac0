"""Runs of tiny students killed at random moments, taken up again, and held to what they promised.

    python tests/benchmarks/chaos.py [--runs 100] [--together 2] [--seed 0] [--markdown FILE]
                                     [--quick]

A stand-in for the app puts each run in the queue and looks after it, as the app does. At a random
moment SIGKILL hits the run's process, the app, both, the dispatcher, the run and the dispatcher,
or the run's process in the very moment in which a file of its checkpoint is being written. Once
the disk is filled (a small tmpfs, where the right to mount one is given). Then an app comes back
and resumes what is lost. Nothing in the product knows of this: no hook, only signals and files.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
from chaos_bench import DATA, STUDENTS, Laboratory, result_of, wait_for_end
from chaos_page import FULL_DISK, Outcome, page
from chaos_places import small_disk, strangers, wait

from kdcore.data.names import named_pairs
from kdcore.errors import LabError
from kdcore.runs.queue import control, queue
from kdcore.runs.record import Record, is_alive
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace

LIVE = ("queued", "running")
VICTIMS = {
    "run": ("run",),
    "app": ("app",),
    "run and app": ("run", "app"),
    "dispatcher": ("dispatcher",),
    "run and dispatcher": ("run", "dispatcher"),
    "run, in a checkpoint": ("run",),
}


def app(home: str, run_id: str) -> None:
    """The stand-in for the app: put a run in the queue, and see that somebody looks after it."""
    workspace = Workspace(Path(home))
    run = RunStore(workspace.runs).get(run_id)
    queue.enqueue([run], workspace)
    print("enqueued", flush=True)
    while run.status().state in LIVE:
        queue.ensure_dispatcher(workspace)
        time.sleep(0.2)


def disturb(bench: Laboratory, victim: str, kind: str, chance: random.Random) -> Outcome:
    """One run: started by an app, hit at a random moment, taken up again, and looked at."""
    run, outcome = bench.create(kind, every=chance.choice((0, 1))), Outcome(victim, kind)
    whole, training_only = bench.seconds[kind]
    # Most would be hit while torch is imported, were three of four not told to wait for training.
    training_first = chance.random() < 0.75 or "checkpoint" in victim
    longest = (training_only if training_first else whole) * 1.05
    moment = chance.uniform(0, longest / 2 if "checkpoint" in victim else longest)
    command = [sys.executable, __file__, "--app", str(bench.home.root), run.id]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as stand_in:
        assert stand_in.stdout is not None
        stand_in.stdout.readline()
        while training_first and not saved_step(run) and run.status().state in LIVE:
            time.sleep(0.03)
        time.sleep(moment)
        # What is read now was reported as saved before the kill.
        outcome.saved, lines = saved_step(run), run.metrics()
        outcome.found = run.status().state
        pids = {
            "run": Record.read(run.folder).pid if outcome.found == "running" else None,
            "app": stand_in.pid,
            "dispatcher": queue.dispatcher(bench.home),
        }
        if victim.endswith("checkpoint"):
            wait_for_half_a_file(run)
        killed = {pids[who] for who in VICTIMS[victim]} - {None}
        for pid in killed:
            kill(pid)
        outcome.mid_write = pids["run"] in killed and has_half_a_file(run)
        take_up(run, bench.home, outcome, lines)
        stand_in.kill()
    compare(run, bench, outcome)
    return outcome


def take_up(run: Run, home: Workspace, outcome: Outcome, lines: list[dict[str, float]]) -> None:
    """What a person who comes back does: resume until it is finished."""
    for _ in range(5):
        if not wait_for_end(run, home):
            outcome.wrong.append("stuck")
            return
        state = run.status().state
        if state == "finished":
            return
        if (now := saved_step(run)) < outcome.saved:
            outcome.wrong.append(f"saved step {outcome.saved} was lost, {now} is left")
        kept = [line for line in lines if line["step"] <= outcome.saved]
        if repr(run.metrics()[: len(kept)]) != repr(kept):
            outcome.wrong.append("metric lines up to the saved step were lost")
        if "run" not in VICTIMS.get(outcome.victim, ("run",)):
            outcome.wrong.append(f"{state}, though nobody killed it")
        outcome.resumed += 1
        with suppress(LabError):
            control.resume(run, home)
    outcome.wrong.append(f"is {run.status().state} after 5 times: {run.status().message}")


def compare(run: Run, bench: Laboratory, outcome: Outcome) -> None:
    if run.status().state != "finished":
        return
    expected, found = bench.undisturbed[outcome.kind], result_of(run)
    outcome.wrong += [f"other {what}" for what in expected if found[what] != expected[what]]
    process = Record.read(run.folder)  # its end is written before its checkpoint is dropped
    wait(lambda: not is_alive(process.pid, process.process_start), 10)
    if (run.folder / "checkpoint").exists():
        outcome.wrong.append("a checkpoint is left of a finished run")


def kill(pid: int | None) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def saved_step(run: Run) -> int:
    with suppress(OSError, ValueError):
        return int(json.loads((run.checkpoint_folder / "checkpoint.json").read_text())["step"])
    return 0


def has_half_a_file(run: Run) -> bool:
    with suppress(OSError):
        return any(name.endswith(".tmp") for name in os.listdir(run.checkpoint_folder))
    return False


def wait_for_half_a_file(run: Run) -> None:
    """Return in the moment in which a checkpoint is being written, or when the run has ended."""
    look = 0
    while not has_half_a_file(run):
        look += 1
        if look % 200 == 0 and run.status().state not in LIVE:
            return


def fill_the_disk(bench: Laboratory, kind: str, chance: random.Random) -> Outcome:
    """A run whose disk becomes full on the way; when there is room again it is taken up."""
    outcome = Outcome(FULL_DISK, kind)
    with small_disk() as folder:
        if folder is None:
            outcome.found = "none"
            outcome.said = "not done, there is no right to mount a small disk"
            return outcome
        home = Workspace(folder)
        run = bench.create(kind, home)
        queue.enqueue([run], home)
        while not saved_step(run) and run.status().state in LIVE:
            time.sleep(0.03)
        time.sleep(chance.uniform(0, 0.5))
        filler = folder / "filler"
        outcome.saved, lines, outcome.found = saved_step(run), run.metrics(), run.status().state
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        until = time.monotonic() + 60
        while run.status().state in LIVE and time.monotonic() < until:
            time.sleep(0.05)
        then = run.status()
        outcome.said = f"a tmpfs of 24 MB; the run became {then.state}: {then.message}"
        filler.unlink()
        take_up(run, home, outcome, lines)
        compare(run, bench, outcome)
        kill(queue.dispatcher(home))
        wait(lambda: not strangers(folder, set()), 30)
    return outcome


def left_over(bench: Laboratory) -> list[str]:
    """After every run has ended: orphans, and tickets that nobody takes away."""
    wrong = []
    if not wait(lambda: not orphans(bench.home), 30):
        wrong += [f"orphan {one}" for one in orphans(bench.home)]
    if queue.waiting(bench.home):
        wrong.append(f"{len(queue.waiting(bench.home))} tickets are left")
    alive = [r for r in RunStore(bench.home.runs).list() if is_working(r)]
    return wrong + [f"{run.id} still works" for run in alive]


def orphans(home: Workspace) -> list[str]:
    """Processes of the workspace but its dispatcher and the one that this keeps ready."""
    pid = queue.dispatcher(home)
    known = {pid} if pid else set()
    with suppress(psutil.Error):
        known |= {child.pid for child in psutil.Process(pid).children()} if pid else set()
    return strangers(home.root, known)


def is_working(run: Run) -> bool:
    record = Record.read(run.folder)
    return not record.is_over and is_alive(record.pid, record.process_start)


def main() -> None:
    asked = _arguments()
    if asked.app:
        app(*asked.app)
        return
    os.environ |= {"KDLAB_CPU_SLOTS": str(asked.together), "OMP_NUM_THREADS": "1"}
    began, chance = time.monotonic(), random.Random(asked.seed)
    kinds = ["twin"] if asked.quick else list(STUDENTS)
    victims, disturbed = list(VICTIMS), 1 if asked.quick else asked.runs - 1
    with tempfile.TemporaryDirectory(prefix="chaos-") as root:
        bench = Laboratory(Workspace(Path(root)), kinds)
        named_pairs(DATA).save(bench.home.data_folder("tiny"))
        bench.prepare()
        print("undisturbed, seconds", bench.seconds, flush=True)
        plan = [
            (victims[i % len(victims)], chance.choice(kinds), random.Random(chance.random()))
            for i in range(disturbed)
        ]
        outcomes = []
        with ThreadPoolExecutor(asked.together) as pool:
            for one in pool.map(lambda told: disturb(bench, *told), plan):
                outcomes.append(one)
                print(len(outcomes), one, flush=True)
        outcomes.append(fill_the_disk(bench, "twin", chance))
        print(outcomes[-1], flush=True)
        rest = left_over(bench)
        kill(queue.dispatcher(bench.home))
        if not wait(lambda: not strangers(bench.home.root, set()), 30):
            rest.append("the ready process outlived its dispatcher")
        text = page(outcomes, list(VICTIMS), rest, time.monotonic() - began, asked.seed)
    print(text)
    if asked.markdown:
        Path(asked.markdown).write_text(text, encoding="utf-8")
    sys.exit(any(one.wrong for one in outcomes) or bool(rest))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--together", type=int, default=2, help="runs at once")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--quick", action="store_true", help="one run killed, one disk filled, one kind of student"
    )
    parser.add_argument("--markdown", default="", help="a file for the table")
    parser.add_argument("--app", nargs=2, metavar=("HOME", "RUN"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
