"""Keeps one process alive: starts it again after it died, with a growing pause."""

import time
from collections.abc import Callable

from tasktracker.devstack.child import Child
from tasktracker.devstack.errors import CannotStart

FIRST_PAUSE = 0.5  # seconds
LONGEST_PAUSE = 10.0
HEALTHY_AGE = 30.0  # who lives this long has no failures any more


class Keeper:
    """One process and its restarts. Call `tick` often."""

    def __init__(
        self,
        name: str,
        launch: Callable[[], Child],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.launch = launch
        self.say = say
        self.clock = clock
        self.failures = 0
        self.child: Child | None = None
        self._due = 0.0
        self._started = 0.0

    def start(self) -> None:
        self.child = self.launch()
        self._started = self.clock()

    def adopt(self, child: Child) -> None:
        """Watch a process that somebody else started."""
        self.child = child
        self._started = self.clock()

    @property
    def age(self) -> float:
        """Seconds since the last start; 0 while it does not run."""
        return self.clock() - self._started if self.child is not None else 0.0

    def tick(self) -> bool:
        """Whether something changed: the process died, or runs again."""
        if self.child is None:
            return self._start_when_due()
        if self.child.exit_code is None:
            if self.failures and self.age > HEALTHY_AGE:
                self.failures = 0
            return False
        self.plan_restart(self.child.describe_end())
        return True

    def plan_restart(self, reason: str) -> None:
        """End what is left of the process and start it again after the pause."""
        if self.child is not None:
            self.child.kill()
            self.child = None
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self.failures)
        self.failures += 1
        self._due = self.clock() + pause
        self.say(f"{self.name} {reason}; starting it again in {pause:g} s")

    def _start_when_due(self) -> bool:
        if self.clock() < self._due:
            return False
        try:
            self.start()
        except (CannotStart, OSError) as error:
            self.plan_restart(f"could not be started ({error})")
            return False
        self.say(f"{self.name} runs again")
        return True
