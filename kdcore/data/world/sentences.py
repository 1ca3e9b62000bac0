"""Generate everyday sentences for masked-word demos: places and goods with plausible weights."""

from functools import cache
from typing import Any

from kdcore.data.world.catalogue import read
from kdcore.data.world.draws import Draws, Floats, choose, cumulative


@cache
def _grammar() -> tuple[dict[str, Any], Floats, list[str], Floats, dict[str, Floats]]:
    data: dict[str, Any] = read("sentences")
    places = data["places"]
    return (
        data,
        cumulative([weight for _, weight in data["frames"]]),
        list(places),
        cumulative([place["weight"] for place in places.values()]),
        {name: cumulative(list(place["goods"].values())) for name, place in places.items()},
    )


def sentences(n: int, seed: int = 0) -> list[str]:
    """Draw n errands, such as "Let's go to the store and buy some snacks!"; repeats occur."""
    data, frame_share, names, place_share, goods_share = _grammar()
    draws = Draws(seed, 99)
    u, styles = draws.uniform(3, n), draws.styles(n, 4).tolist()
    frames, places = choose(frame_share, u[0]).tolist(), choose(place_share, u[1]).tolist()
    texts = []
    for frame, place_index, u_good, s in zip(frames, places, u[2], styles, strict=True):
        place = names[place_index]
        place_words = data["places"][place]
        share = goods_share[place]
        good = list(place_words["goods"])[int((u_good >= share).sum())]
        get = place_words["get"][s[0] % len(place_words["get"])]
        text = data["frames"][frame][0].format(
            place=place,
            good=good,
            get=get,
            gets=data["gets"][get],
            who=data["who"][s[1] % len(data["who"])],
            when=data["when"][s[2] % len(data["when"])],
            adj=data["adj"][s[3] % len(data["adj"])],
        )
        texts.append(text[0].upper() + text[1:])
    return texts
