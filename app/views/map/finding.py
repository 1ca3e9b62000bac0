"""The page's finding: do both models have the same neighbors, and can their maps be compared?"""

import numpy as np

from app.kit.texts import by_chance, number
from app.views.map.numbers import overlap_interval
from app.views.map.queries.summary import table
from app.views.map.scene import Scene


def sentence(scene: Scene) -> str:
    """How much of the neighborhoods both share, and where they share least."""
    geometry = scene.maps.geometry
    left, right = scene.names
    if {left, right} == {"the twin", "the student"}:
        left, right = "the student", "its twin"
    if scene.left.key == scene.right.key:
        return f"Both maps are of {left}: choose another model for one of them."
    low, high = overlap_interval(scene)
    ends = f" [{100 * low:.1f}, {100 * high:.1f}]" if np.isfinite(low) else ""
    of = "" if geometry.n == len(scene.rows) else "sampled "
    start = (
        f"{left[0].upper()}{left[1:]} and {right} share {100 * geometry.overlap:.1f} %{ends} of a "
        f"pair's {geometry.k} nearest pairs (n = {geometry.n:,} {of}pairs; "
        f"{by_chance(geometry.chance)} by chance; CKA {number(geometry.cka, 2)})"
    )
    if not geometry.comparable:
        return (
            f"{start}: these maps cannot be compared, for what is near in one is not near in the "
            f"other. Read each on its own.{_least(scene)}"
        )
    return f"{start}.{_least(scene)}"


def _least(scene: Scene) -> str:
    """The label or outcome with the fewest common neighbors, where its interval leaves all out."""
    groups = table(scene)
    groups = groups[(groups["n measured"] >= 50) & groups["low"].notna()]
    if len(groups) < 2:
        return ""
    whole, rest = groups.iloc[0], groups.iloc[1:]
    worst = rest.sort_values("overlap").iloc[0]
    if worst["high"] >= whole["low"]:
        return "" if scene.maps.geometry.comparable else " No label and no outcome shares less."
    return (
        f" They share least on {worst['pairs']}: {100 * worst['overlap']:.1f} % "
        f"[{100 * worst['low']:.1f}, {100 * worst['high']:.1f}] (n = {worst['n measured']:,})."
    )
