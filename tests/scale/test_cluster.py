"""Shards are scored on a Ray cluster of several nodes, whichever of its processes are killed.

The nodes are processes of this machine; what they share is its disk.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

import psutil
import pytest

from kdcore.errors import RunError

from .conftest import DATA, LOG, drop_shards, infer, sums

pytestmark = pytest.mark.slow
SMALL = 10  # rows of a shard, so that a job lasts
SHARDS = LOG // SMALL
PATIENCE = 240.0  # seconds without any progress, after which a job is said to hang


@contextmanager
def started(*nodes: int) -> Iterator:
    """A cluster with a node for each number, which has so many CPUs."""
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        for cpus in nodes:
            add_node(cluster, cpus)
        yield cluster
    finally:
        cluster.shutdown()


def add_node(cluster, cpus: int = 1) -> None:
    """Start a node; Ray itself gives up after 30 seconds, in which a busy machine starts none."""
    for left in range(4, -1, -1):
        try:
            cluster.add_node(num_cpus=cpus, include_dashboard=False)
            return
        except Exception:  # Ray raises no narrower one
            if not left:
                raise


@pytest.fixture(scope="module")
def expected(trained) -> dict[str, str]:
    """What one process writes."""
    workspace, run = trained
    drop_shards(workspace)
    assert end(workspace, score(workspace, run, "local")) == 0
    sums_of_one = sums(workspace)
    assert len(sums_of_one) == SHARDS + 1  # and the manifest
    drop_shards(workspace)
    return sums_of_one


def score(home, run, on: str) -> subprocess.Popen:
    """Start the command that scores the log in small shards."""
    rows = ["--split", "log", "--shard-rows", str(SMALL), "--device", "cpu"]
    command = [sys.executable, "-m", "kdcore", "infer", run.id, "--data", DATA, *rows]
    settings = os.environ | {"KDLAB_HOME": str(home.root)}
    return subprocess.Popen([*command, "--on", on, "-q"], env=settings, start_new_session=True)


def finished(home) -> dict[str, int]:
    """The time of every finished shard, by its name."""
    times = {}
    for path in home.cache_folder("shards").glob("*/*.safetensors"):
        times[path.name] = path.stat().st_mtime_ns
    return times


def wait_for(home, shards: int, driver: subprocess.Popen) -> None:
    """Return when so many shards are there, or when the command has ended."""
    count, until = -1, 0.0
    while (now := len(finished(home))) < shards and driver.poll() is None:
        if now != count:
            count, until = now, time.monotonic() + PATIENCE
        assert time.monotonic() < until, f"{now} shards, and none more in {PATIENCE} s"
        time.sleep(0.01)


def end(home, driver: subprocess.Popen) -> int:
    """The exit code of the command, for which it is waited as long as it gets further."""
    wait_for(home, SHARDS, driver)
    return driver.wait(PATIENCE)


def kill(name: str, driver: subprocess.Popen, cluster, doing: str = "attempt") -> None:
    """Kill the command, one of the workers (that does something), or a node that is not the head.

    The command may have joined just this node; then it ends too.
    """
    if name == "driver":
        driver.kill()
    elif name == "worker":
        processes = psutil.Process().children(recursive=True)
        workers = [each for each in processes if title(each).startswith("ray::")]
        busy = [each for each in workers if doing in title(each)]
        for each in (busy or workers)[:1]:
            each.kill()
    else:
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)


def title(process: psutil.Process) -> str:
    """What a process calls itself; "" when it is gone."""
    with suppress(psutil.Error, IndexError):
        return process.cmdline()[0]
    return ""


def test_one_two_or_three_workers_write_the_bytes_of_one_process(home, source, expected):
    with started() as cluster:
        for _ in range(3):
            add_node(cluster)
            assert end(home, score(home, source, f"ray:{cluster.address}")) == 0
            assert sums(home) == expected
            drop_shards(home)


@pytest.mark.parametrize("victim", ["worker", "node", "driver"])
def test_a_kill_in_the_middle_loses_and_repeats_no_finished_shard(victim, home, source, expected):
    with started(1, 1) as cluster:
        driver = score(home, source, f"ray:{cluster.address}")
        wait_for(home, SHARDS // 10, driver)
        before = finished(home)
        kill(victim, driver, cluster)
        code = end(home, driver)
        assert 0 < len(before) < SHARDS
        if victim == "driver":
            assert code == -9
            assert len(finished(home)) < SHARDS
        if victim == "driver" or (victim == "node" and code):  # it had joined just this node
            code = end(home, score(home, source, f"ray:{cluster.address}"))
        assert code == 0
        assert sums(home) == expected
        assert before.items() <= finished(home).items()  # nothing that was there is written again


def test_twenty_kills_at_random_moments_lose_and_double_nothing(home, source, expected):
    random, kills, barren = Random(7), 0, 0
    with started(1, 1) as cluster:
        address = f"ray:{cluster.address}"
        while kills < 20:
            drop_shards(home)
            before: dict[str, int] = {}
            while len(before) < SHARDS:
                had, driver, killed = len(before), score(home, source, address), kills
                while driver.poll() is None:
                    wait_for(home, len(before) + random.randint(1, SHARDS // 5), driver)
                    now = finished(home)
                    assert before.items() <= now.items()
                    before = now
                    if driver.poll() is None and kills < 20:
                        victim = random.choice(["worker", "worker", "node", "driver"])
                        kill(victim, driver, cluster)
                        kills += 1
                        if victim == "node":
                            add_node(cluster)
                before = finished(home)
                assert driver.returncode == 0 or kills > killed  # else nothing could go wrong
                barren = barren + 1 if len(before) == had else 0
                assert barren < 5, f"five commands in a row ended at {had} of {SHARDS} shards"
            # a job that was killed after its last shard has yet to write the manifest
            assert end(home, score(home, source, address)) == 0
            assert sums(home) == expected  # nothing else lies there, such as half a file
            assert before.items() <= finished(home).items()


def test_an_address_without_a_cluster_is_an_error_within_half_a_minute(home, source):
    start = time.monotonic()
    with pytest.raises(RunError, match="no Ray cluster answers at 127"):
        infer(source, home, "ray:127.0.0.1:9")
    assert time.monotonic() - start < 30
