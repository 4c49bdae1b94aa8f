"""Every way in which evalgate says no.

    EvalgateError                 a person can act on it: printed as one line, without a traceback
    ├── InputError                exit 2   a file, an option or a variable that somebody wrote is wrong
    │   ├── GraderError           exit 2   a grader raised on an answer: there is no score, and none is made up
    │   ├── MissingStoreError     exit 2   there is no store yet, and none is made only to look at it
    │   ├── SignalError           exit 2   a signal document that must not be followed, or a key that is none
    │   └── StatisticsError       exit 2   numbers that no verdict can be drawn from (also a ValueError)
    ├── InfrastructureError       exit 4   what evalgate stands on is missing or broken
    │   ├── ProviderError         exit 4   an endpoint cannot be reached or turns every call away
    │   ├── StoreError            exit 4   the store cannot be opened, read or written
    │   └── LabError              exit 4   the local lab cannot quantize or serve
    └── Interrupted               exit 130 somebody asked it to end (Ctrl-C, SIGTERM)

Anything else that escapes is a bug and keeps its traceback.

A message names the place, what was received, what was expected and the next step:
`suites/invoice.yaml:14 gate.margn: unknown key; did you mean 'margin'?`
"""

from __future__ import annotations


class EvalgateError(Exception):
    """Base of all errors that a user is meant to read; `exit_code` is what the command returns."""

    exit_code = 2


class InputError(EvalgateError):
    """Something that a person wrote (a file, an option, an environment variable) cannot be used."""


class GraderError(InputError):
    """A grader raised instead of scoring an answer; a zero in its place would be a verdict about the grader."""


class MissingStoreError(InputError):
    """A store that is only to be looked at is not there."""


class SignalError(InputError):
    """A signal document that must not be followed, or a key that cannot sign or check one."""


class StatisticsError(InputError, ValueError):
    """Numbers from which no verdict can be drawn: NaN, out of range, unequal lengths, empty."""


class InfrastructureError(EvalgateError):
    """Something outside the user's files is missing or broken; trying again later may help."""

    exit_code = 4


class ProviderError(InfrastructureError):
    """An endpoint cannot be reached, or turns every call away."""


class StoreError(InfrastructureError):
    """The store of answers cannot be opened, read or written."""


class LabError(InfrastructureError):
    """The lab cannot find its weights or engine, cannot quantize, or a server of it died."""


class Interrupted(EvalgateError):
    """Somebody asked the collection to end; what was under way was waited for, and is kept."""

    exit_code = 130
