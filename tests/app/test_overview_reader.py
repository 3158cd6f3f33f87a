"""How long the figures of the overview are kept."""

from __future__ import annotations

from app.overview_reader import REST, Kept


class Reading:
    """A figure that takes a while to read; it is the number of times that it was read."""

    def __init__(self, taken: float) -> None:
        self.now = 0.0
        self.count = 0
        self._taken = taken

    async def read(self) -> int:
        self.now += self._taken
        self.count += 1
        return self.count


async def test_a_figure_is_kept_twenty_times_as_long_as_it_took_to_read_it() -> None:
    slow = Reading(1.0)
    kept = Kept(slow.read, 5.0, lambda: slow.now)
    assert await kept.get() == 1
    slow.now += REST - 0.1
    assert await kept.get() == 1
    slow.now += 0.2
    assert await kept.get() == 2


async def test_what_is_made_of_such_figures_does_not_rest_itself() -> None:
    """Else the overview would stand still for a minute after it was read for the first time, with all its figures."""
    slow = Reading(3.0)
    kept = Kept(slow.read, 1.5, lambda: slow.now, rest=0)
    assert await kept.get() == 1
    slow.now += 1.6
    assert await kept.get() == 2
