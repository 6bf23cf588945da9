"""Progress of a job: a callable that the caller gives and the library calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["Progress", "Stage", "Stages", "silent"]

Progress = Callable[[str, float], None]
"""``progress(stage, fraction)``: the stage's name and the share of the whole job done, 0 to 1."""


def silent(stage: str, fraction: float) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A finished stage and the wall time that it took."""

    name: str
    seconds: float


@dataclass(slots=True)
class Stages:
    """Times the stages of one job and reports each as it begins."""

    progress: Progress
    shares: dict[str, float]
    """Expected share of the job's time per stage, in order; they sum to 1."""
    done: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage; reports the share of the stages before it."""
        names = list(self.shares)
        self.progress(name, sum(self.shares[n] for n in names[: names.index(name)]))
        start = time.perf_counter()
        yield
        self.done.append(Stage(name=name, seconds=time.perf_counter() - start))
