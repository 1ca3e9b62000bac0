"""Carries runs out in forked children, each killed at a chosen moment; torch is imported once."""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

import kdcore.models.bert
import kdcore.models.cdssm
import kdcore.models.twinbert
import kdcore.recipes.stage  # noqa: F401
from kdcore import lab
from kdcore.runs.store import Run


def arm(function: str, when: str, count: int) -> None:
    """Replace `module:Class.function` by one that kills this process at its count-th call."""
    module, _, path = function.partition(":")
    owner: Any = import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    genuine: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if when == "before" and calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        result = genuine(*args, **kwargs)
        if when == "after" and calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


def main() -> None:
    """Read [folder, function, when, count] lines; answer each with the child's exit status."""
    torch.set_num_threads(1)
    for line in sys.stdin:
        folder, function, when, count = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                arm(function, when, count)
                lab.execute(Run.load(Path(folder)))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(os.waitpid(child, 0)[1], flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
