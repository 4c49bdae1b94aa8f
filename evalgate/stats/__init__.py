"""Certified substitution: is a cheaper variant as good as its baseline, and how sure is that?

    >>> from evalgate.stats import certify
    >>> certify([0.0] * 400, margin=0.02).verdict
    'green'

A gate that turns green because "no significant difference was found" rewards small samples. Here the burden of proof
is turned around: green must be proven, red must be proven, and everything else is inconclusive. What may be trusted:

- however often one looks and whenever one stops, a variant worse than the margin turns green with probability alpha
  at most, and one that is not worse turns red with probability beta at most;
- the same differences give the same verdict, bit for bit, on every machine and for every batch size.

Everything here is a pure function of numbers and numpy arrays: no clock, no files, no randomness but a given seed.
"""

from __future__ import annotations

from evalgate.stats._design import SMALLEST_MARGIN, Claim, Design
from evalgate.stats._wealth import CERTAIN
from evalgate.stats.absolute import certify_score, score_evidence
from evalgate.stats.bootstrap import bca_interval
from evalgate.stats.border import UNSTABLE, Named, border_prompts, name_movement, self_disagreement
from evalgate.stats.budget import median_log_ratio, within_budget
from evalgate.stats.certify import Certificate, Options, Verdict, certify
from evalgate.stats.confidence import confidence_interval, confidence_sequence
from evalgate.stats.family import RESERVE, FamilyOutcome, arrival_weight, closed_sequential, reserve_left
from evalgate.stats.flips import FlipRateSeed, Flips, NoiseFloor, count_flips, noise_floor, seed_flip_rate
from evalgate.stats.interval import newcombe_interval, score_interval, score_test, score_test_cases, share_interval
from evalgate.stats.limit import case_limit, floor_cases, growth_limit
from evalgate.stats.moved import Bins, Movement, MovementState, Observation
from evalgate.stats.multiplicity import (
    combine_verdicts,
    e_bh,
    e_lond,
    e_lond_level,
    holm_sequential,
    intersection_union,
    union_red,
)
from evalgate.stats.power import CasesNeeded, cases_needed, smallest_margin
from evalgate.stats.run_length import share_run_length
from evalgate.stats.sampling import SamplingOrder, fragile_first, random_order
from evalgate.stats.schedule import Delay, Schedule, average_run_length, best_schedule, detection_delay
from evalgate.stats.sensitivity import Sensitivity, sensitivity_to_errors
from evalgate.stats.sequential import EvidencePath, FurtherCases, evidence_path, first_reach, minimum_further_cases
from evalgate.stats.stayed_green import GreenState, StayedGreen, Watched, suite_control
from evalgate.stats.units import UnitMeans, paired_differences, unit_means

__all__ = [
    "CERTAIN",
    "RESERVE",
    "SMALLEST_MARGIN",
    "UNSTABLE",
    "Bins",
    "CasesNeeded",
    "Certificate",
    "Claim",
    "Delay",
    "Design",
    "EvidencePath",
    "FamilyOutcome",
    "FlipRateSeed",
    "Flips",
    "FurtherCases",
    "GreenState",
    "Movement",
    "MovementState",
    "Named",
    "NoiseFloor",
    "Observation",
    "Options",
    "SamplingOrder",
    "Schedule",
    "Sensitivity",
    "StayedGreen",
    "UnitMeans",
    "Verdict",
    "Watched",
    "arrival_weight",
    "average_run_length",
    "bca_interval",
    "best_schedule",
    "border_prompts",
    "case_limit",
    "cases_needed",
    "certify",
    "certify_score",
    "closed_sequential",
    "combine_verdicts",
    "confidence_interval",
    "confidence_sequence",
    "count_flips",
    "detection_delay",
    "e_bh",
    "e_lond",
    "e_lond_level",
    "evidence_path",
    "first_reach",
    "floor_cases",
    "fragile_first",
    "growth_limit",
    "holm_sequential",
    "intersection_union",
    "median_log_ratio",
    "minimum_further_cases",
    "name_movement",
    "newcombe_interval",
    "noise_floor",
    "paired_differences",
    "random_order",
    "reserve_left",
    "score_evidence",
    "score_interval",
    "score_test",
    "score_test_cases",
    "seed_flip_rate",
    "self_disagreement",
    "sensitivity_to_errors",
    "share_interval",
    "share_run_length",
    "smallest_margin",
    "suite_control",
    "union_red",
    "unit_means",
    "within_budget",
]
