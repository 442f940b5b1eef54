"""Rows of columns that a sampler makes: samples beside those of the table, which training sees and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imbalkit.data.features import empty_images
from imbalkit.data.image_store import ArrayStore
from imbalkit.engine.round_cache import RoundCache
from imbalkit.kinds import FeatureSampler
from imbalkit.plan import Plan
from imbalkit.training.trainer import Trainer


def with_made_rows(
    plan: Plan, sampler: FeatureSampler, trainer: Trainer, cache: RoundCache, rng: np.random.Generator
) -> Plan:
    """The plan after a sampler that makes rows; their samples are numbered on from those of the table, and `trainer` and
    `cache` then know their columns. Given the rows of the plan alone, so that no held-out row is ever seen."""
    columns, encoding = trainer.session.columns, trainer.session.encoding
    assert columns is not None  # as the recipe's checks made sure
    assert encoding is not None
    kept, made, labels = sampler.make(plan, columns[plan.source], encoding, rng)
    every = np.concatenate([columns, made])
    trainer.session = replace(trainer.session, columns=every, images=ArrayStore(empty_images(len(every))))
    if cache.around is not None:
        content = np.concatenate([cache.around.content, np.zeros(len(made), dtype=cache.around.content.dtype)])
        cache.around = replace(cache.around, columns=every, content=content)
    return kept.add_samples(np.arange(len(columns), len(every)), labels)
