"""Draws the random numbers of an epoch from its own seed, so that a resumed training draws the same ones."""
import numpy as np
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner, set_random_seed


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed Python's, NumPy's and PyTorch's random numbers before every epoch from the run's seed and the iteration.

    Dropout, augmentation in the main process and the like then do not depend on where a training was interrupted.
    Before the first iteration the runner has done it. Worker processes of a data loader that live through the epochs
    (`persistent_workers`) have random numbers of their own and begin these anew when a training is resumed.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        if runner.iter > 0:
            seed = int(np.random.SeedSequence([runner.seed, runner.iter]).generate_state(1)[0]) // 2
            set_random_seed(seed, diff_rank_seed=runner._randomness_cfg.get('diff_rank_seed', False))
