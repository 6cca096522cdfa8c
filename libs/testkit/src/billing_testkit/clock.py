"""Time that stands still."""

from datetime import datetime, timedelta


class FrozenClock:
    """`now()` is always the same instant until the test moves it. Never backwards."""

    def __init__(self, now: datetime) -> None:
        assert now.tzinfo is not None, "an instant has a zone"
        self._now = now

    def now(self) -> datetime:
        return self._now

    def __call__(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        return self.move_to(self._now + by)

    def move_to(self, to: datetime) -> datetime:
        assert to >= self._now, "time does not go back"
        self._now = to
        return to
