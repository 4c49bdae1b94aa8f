"""The steps from each version of the tables to the next, with tables as they were at that time.

A step describes what it makes itself, and never as `schema` does: that changes with the next step, and this one must
still lead where it led.
"""

from evalgate.store.steps.books import keep_books
from evalgate.store.steps.captures import keep_captures
from evalgate.store.steps.evidence import (
    leave_tokens_unknown,
    remember_attempts,
    remember_signals,
    share_work_and_batches,
)
from evalgate.store.steps.limits import share_limits
from evalgate.store.steps.queue import queue_work
from evalgate.store.steps.watching import remember_watching

STEPS = (
    share_work_and_batches,  # to version 2
    leave_tokens_unknown,
    remember_attempts,
    remember_signals,  # to version 5
    keep_books,
    queue_work,
    keep_captures,
    remember_watching,  # to version 9
    share_limits,  # to version 10
)
