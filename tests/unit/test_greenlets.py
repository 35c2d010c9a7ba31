"""What keeps a measured run of the tests from hanging."""

import threading
import weakref

from greenlet import getcurrent, greenlet


def test_the_greenlet_of_a_thread_outlives_it() -> None:
    known: list[weakref.ref[greenlet]] = []
    for _ in range(2):  # what a thread leaves behind is cleared away when the next one ends
        thread = threading.Thread(target=lambda: known.append(weakref.ref(getcurrent())))
        thread.start()
        thread.join()
    assert all(one() is not None for one in known)
