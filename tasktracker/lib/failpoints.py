"""Named places at which a test lets its worker die. Nothing in the product arms one."""

import os
import signal

_armed = ""


def arm(name: str) -> None:
    """The next time that this process comes by `name`, it is gone."""
    global _armed
    _armed = name


def reach(name: str) -> None:
    if name == _armed:
        os.kill(os.getpid(), signal.SIGKILL)
