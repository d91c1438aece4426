"""A process that ends when the one that started it does."""

import os
import threading
import time

LOOK_SECONDS = 1.0

_watched: set[int] = set()


def end_with_parent() -> None:
    """End this process as soon as its parent has ended, however that ended.

    A parent that is killed outright cannot stop its children, which would compute on for nobody.
    """
    parent = os.getppid()
    if os.getpid() in _watched:
        return
    _watched.add(os.getpid())

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os._exit(1)  # nothing is left to report to

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()
