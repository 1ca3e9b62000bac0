"""The points of a joint density, sent to the browser once for each key."""

import pyarrow as pa

from app.kit.browser_part import part

_mount = part(__name__)


def joint_points(points: pa.Table, content_key: str, key: str) -> None:
    """Send points: x and y (and z, a second y) float32, grade uint8 (255 = unlabelled).

    content_key: hash of what they are; `joint_density` with the same key draws them.
    """
    _mount(key=key, data={"key": content_key, "points": points}, height=1)
