"""Graders that ask another model: `judge` by a rubric, `pairwise` against the baseline's answer."""

from evalgate.graders.judge import graders  # noqa: F401  # importing registers them
