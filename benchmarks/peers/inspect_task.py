import os

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import exact
from inspect_ai.solver import generate


@task
def bench() -> Task:
    dataset = json_dataset(os.environ["BENCH_ITEMS"])
    return Task(dataset=dataset, solver=generate(), scorer=exact(), config=GenerateConfig(temperature=0))
