"""What this machine can run, found out without importing torch."""

import os
import shutil
import subprocess
from dataclasses import dataclass

import psutil
import streamlit as st


@dataclass(frozen=True)
class Machine:
    """Cores, memory in GiB, and the name of a GPU or an empty text."""

    cores: int
    memory: float
    gpu: str


@st.cache_data(ttl=600, show_spinner=False)
def machine() -> Machine:
    """This machine; a GPU counts when its own tool names one."""
    return Machine(os.cpu_count() or 1, psutil.virtual_memory().total / 2**30, _gpu())


def _gpu() -> str:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    ask = [tool, "--query-gpu=name", "--format=csv,noheader"]
    try:
        told = subprocess.run(ask, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip().splitlines()[0] if told.stdout.strip() else ""
