"""Since when what a rule asks for has been so, of things that are told again and again. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")


class Lasting(Generic[K]):
    """Counts for each rule and each thing that it is about, and says of each once that it has
    lasted for long enough; the next time only after it was over."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, K], int] = {}
        self._told: set[tuple[str, K]] = set()

    def begin(self, rule: str, key: K, at: int) -> None:
        """It is so; the count goes on if it was."""
        self._since.setdefault((rule, key), at)

    def end(self, rule: str, key: K) -> None:
        """It is not so, or not known to be."""
        self._since.pop((rule, key), None)
        self._told.discard((rule, key))

    def counting(self, rule: str) -> list[K]:
        """What is so now."""
        return [key for name, key in self._since if name == rule]

    def ripe(self, rule: str, key: K, lasting: int, at: int) -> int | None:
        """Since when (ns), once ``lasting`` is over; None before that and after."""
        since = self._since[rule, key]
        if at - since < lasting or (rule, key) in self._told:
            return None
        self._told.add((rule, key))
        return since
