"""Draws the random numbers of an iteration from its own seed, so that a resumed training draws the same ones."""
import numpy as np
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner, set_random_seed


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seed Python's, NumPy's and PyTorch's random numbers before every iteration, from the run's seed and its number.

    Dropout, stochastic depth and the mixing of clips then do not depend on where a training was interrupted. What is
    drawn while a clip is read is seeded by `SeededBatchSampler`.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | tuple | list | None = None) -> None:
        seed = int(np.random.SeedSequence([runner.seed, runner.iter]).generate_state(1)[0]) // 2
        set_random_seed(seed, diff_rank_seed=runner._randomness_cfg.get('diff_rank_seed', False))
