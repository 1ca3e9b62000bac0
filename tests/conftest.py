"""Small made tables of invented ads, and models of a few thousand weights."""

import gc
import os
from collections.abc import Callable

import pytest
from hypothesis import settings

from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY, FOUR_GRADES, LabelScheme

# before torch is imported anywhere: several workers share a machine's cores
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("lab", deadline=None)  # a busy machine is no failure
settings.load_profile("lab")


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end, so no collection of garbage need look at them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def the_disk_is_not_waited_for():
    """No test takes the power away; what a killed process wrote stays without fsync, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda file: None)
        yield


ROWS = (  # query, title, description, grade of four
    ("red running shoes", "Red Running Shoes on Sale", "Light shoes for road and track.", 3),
    ("red running shoes", "Hiking Boots", "Strong leather boots for every mountain.", 1),
    ("red running shoes", "Garden Hose 20 m", "", 0),
    ("blue winter coat", "Blue Winter Coat", "Warm, long and waterproof; free returns.", 3),
    ("blue winter coat", "Raincoats & Umbrellas", "Stay dry.", 2),
    ("tea pot", "Cast Iron Teapot", "Keeps tea hot for an hour.", 3),
    ("tea pot", "Teacups, set of six", "Thin porcelain.", 1),
    ("tea pot", "Used Cars Near You", "Compare 3,000 offers today!", 0),
    ("piano lessons online", "Learn the Piano at Home", "First lesson free.", 3),
    ("piano lessons online", "Grand Pianos", "Concert pianos, tuned and delivered.", 1),
    ("hôtel zürich", "Hotels in Zürich", "Rooms by the lake from 90 €.", 3),
    ("hôtel zürich", "Flights to Zürich", "", 1),
    ("lamp", "Lamp", "", 2),
    ("lamp", "Desk Lamp with Dimmer and a Very Long Name Indeed", "Bright. " * 12, 3),
    ("", "An Ad for Nobody", "Nothing was searched.", 0),
    ("cheap flights 東京", "Tokyo Flights", "東京 from 499.", 2),
)
SPLITS = ("train",) * 12 + ("validation",) * 2 + ("test",) * 2


def _table(scheme: LabelScheme, name: str) -> PairTable:
    query, title, description, grade = map(list, zip(*ROWS, strict=True))
    if len(scheme) == 2:
        grade = [int(g >= 2) for g in grade]
    return PairTable(make_frame(query, title, description, grade, SPLITS), scheme, name)


@pytest.fixture(scope="session")
def pairs2() -> PairTable:
    """16 pairs of 7 queries, two grades."""
    return _table(BINARY, "invented two")


@pytest.fixture(scope="session")
def pairs4() -> PairTable:
    """The same 16 pairs, four grades."""
    return _table(FOUR_GRADES, "invented four")


@pytest.fixture(scope="session")
def make_pairs() -> Callable[[int, int], PairTable]:
    """pairs of many invented queries: make_pairs(queries, ads of each)."""

    def make(queries: int, ads: int) -> PairTable:
        query = [f"thing number {q}" for q in range(queries) for _ in range(ads)]
        title = [f"offer {a} of {q % 5}" for q in range(queries) for a in range(ads)]
        grade = [(q + a) % 2 for q in range(queries) for a in range(ads)]
        return PairTable(make_frame(query, title, [""] * len(query), grade), BINARY, "many")

    return make
