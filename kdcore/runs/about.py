"""Why a run was made: what it belongs to, what was changed, and what was expected of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from kdcore.knobs import plain
from kdcore.workspace import write_json_atomic

ABOUT = "about.json"
ROLES = ("", "student", "twin", "cell", "teacher")


@dataclass(frozen=True, kw_only=True)
class About:
    """Written once, before the run begins; empty where nobody said anything.

    group: one id for a student and its twin, or for a whole sweep. role: one of ROLES.
    twin: id of the run that trains the same without a teacher. changed: settings by their path
    that differ from `parent` (a run) or from the preset. estimate: seconds, memory and so on as
    they were foreseen, so that the error can be told afterwards.
    """

    group: str = ""
    role: str = ""
    twin: str = ""
    parent: str = ""
    preset: str = ""
    sweep: str = ""  # the title of the sweep whose cell this is
    changed: Mapping[str, Any] = field(default_factory=dict)
    estimate: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "About":
        """What a run's folder says; nothing when it says nothing that can be read."""
        try:
            found = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return cls()
        if not isinstance(found, dict):
            return cls()
        blank = plain(cls())
        fitting: dict[str, Any] = {
            k: v for k, v in found.items() if k in blank and isinstance(v, type(blank[k]))
        }
        return cls(**fitting)

    def write(self, folder: Path) -> None:
        """Keep it in the folder of a run that has not begun."""
        write_json_atomic(folder / ABOUT, {f.name: getattr(self, f.name) for f in fields(self)})
