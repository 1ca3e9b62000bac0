"""A training set that is never whole in memory: windows of it, one after another."""

from dataclasses import dataclass
from typing import Protocol

from kdcore.data.pairs import PairTable
from kdcore.predictions import Predictions


@dataclass(frozen=True)
class Window:
    """Some of the pairs that are learned from, and what the teacher predicts on them."""

    pairs: PairTable
    soft: Predictions


class Windows(Protocol):
    """The windows of a training set; every epoch goes through all of them."""

    @property
    def key(self) -> str:
        """Changes with any pair or logit of any window."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The pairs of each window, the same in every epoch."""

    @property
    def first(self) -> Window:
        """The window with which the first epoch begins."""

    def turns(self, epoch: int) -> list[int]:
        """The places of all windows in the order of an epoch, from the seed and the epoch alone."""

    def read(self, epoch: int, place: int) -> Window:
        """A window as it is in an epoch."""
