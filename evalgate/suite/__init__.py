"""WHAT is asked: the suite of an operation, with its cases, prompt, graders and gate."""

from evalgate.suite.cases import Case
from evalgate.suite.load import Suite, load_suite, load_suites
from evalgate.suite.models import Assertion, Gate, SuiteFile

__all__ = ["Assertion", "Case", "Gate", "Suite", "SuiteFile", "load_suite", "load_suites"]
