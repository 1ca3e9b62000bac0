"""Why a run was made: its group and role, the changed settings, the estimate."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from kdcore.knobs import plain
from kdcore.workspace import write_json_atomic

FILE = "about.json"
ROLES = ("", "student", "twin", "cell", "teacher")
# of a run that was started alone
ROLE_OF_STAGE = {"distill": "student", "teach": "teacher", "multitask": "teacher"}


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """about.json, written once before the run begins; empty where it was not.

    group: one id for a student and its twin, or for a whole sweep. role: one of ROLES.
    twin: id of the run that trains the same without a teacher. changed: settings by their path
    that differ from `parent` (a run) or from the preset. estimate: seconds, memory and so on as
    estimated before the start, so that the error can be shown afterwards. recipe: the pipeline
    that it was made for. key: a hash of all that decides its result (experiments/pipeline/keys).
    """

    group: str = ""
    role: str = ""
    twin: str = ""
    parent: str = ""
    preset: str = ""
    sweep: str = ""  # the title of the sweep whose cell this is
    recipe: str = ""
    key: str = ""
    changed: Mapping[str, Any] = field(default_factory=dict)
    estimate: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Purpose":
        """The file of a run's folder; empty when it is missing or cannot be read."""
        try:
            content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return cls()
        if not isinstance(content, dict):
            return cls()
        blank = plain(cls())
        values: dict[str, Any] = {
            k: v for k, v in content.items() if k in blank and isinstance(v, type(blank[k]))
        }
        return cls(**values)

    def write(self, folder: Path) -> None:
        """Write it into the folder of a run that has not begun."""
        write_json_atomic(folder / FILE, {f.name: getattr(self, f.name) for f in fields(self)})
