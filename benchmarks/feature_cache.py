"""Benchmark of training from cached features, beside training with the encoders."""
import copy
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from claip_emo_mm.engine.config import build_runner
from claip_emo_mm.engine.feature_cache import extract_features
from claip_emo_mm.evaluation.tables import text_table
from claip_emo_mm.models.weights.save import write_encoder
from claip_emo_mm.toy.dataset import make_toy_set

_KINDS = dict(visual_backbone='clip', audio_backbone='clap')


@dataclass
class CacheMetrics:
    """Seconds and bytes."""
    clips: int
    raw_s: float  # one epoch with encoders
    extraction_s: float  # of the training clips
    cached_s: float  # one epoch from the cache; the median
    size: int  # bytes of the training clips' features

    def table(self) -> str:
        """Lines of both ways."""
        return text_table([
            ['', 'seconds'],
            ['one epoch with encoders', f'{self.raw_s:.2f}'],
            ['extraction, once', f'{self.extraction_s:.2f}'],
            ['one epoch from cached features', f'{self.cached_s:.4f}'],
            ['ratio of the epochs', f'{self.raw_s / self.cached_s:.0f}'],
            ['disk for a clip, kB', f'{self.size / self.clips / 1e3:.1f}']], left=1)


def benchmark_cache(cfg: Config, folder: Path, clips: int, epochs: int, num_threads: int) -> CacheMetrics:
    """Train one epoch on toy clips with encoders, extract their features, and train some epochs from these.

    Args:
        cfg: a config with ``feature_cache``; its encoders get random weights, unless they have the toy weights.
        folder: for data, weights and cache.
        clips: to train on.
        epochs: from the cache.
        num_threads: of a CPU.
    """
    torch.set_num_threads(num_threads)
    torch.manual_seed(0)
    cfg = copy.deepcopy(cfg)
    make_toy_set(folder / 'toy', clips=(clips, 7, 7), workers=1)
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.dataset = dict(type='AudioVisualDataset', ann_file=f'{split}.csv', data_root=str(folder / 'toy'),
                              pipeline=loader.dataset.pipeline, test_mode=split != 'train')
        loader.update(num_workers=0, persistent_workers=False, batch_size=min(loader.batch_size, clips // 3 or 1))
    for name, kind in _KINDS.items():
        options = cfg.model.get(name)
        if options and options.pretrained != 'toy':
            path = folder / f'{name}.safetensors'
            write_encoder(MODELS.build(dict(options, pretrained=None)).tower, path, kind, 'random weights')
            options.pretrained = str(path)
    cfg.update(work_dir=str(folder / 'work'), launcher='none', log_level='WARNING', default_hooks={}, custom_hooks=[])
    cfg.feature_cache.dir = str(folder / 'features')
    raw = copy.deepcopy(cfg)
    raw.pop('feature_cache')
    raw.train_dataloader.dataset.pipeline = _one_view(raw.val_dataloader.dataset.pipeline)
    raw_s, = _epochs(raw, 1)
    began = time.perf_counter()
    report = extract_features(cfg, lambda text: None, ('train',), 'cpu')
    extraction_s = time.perf_counter() - began
    return CacheMetrics(clips, raw_s, extraction_s, sorted(_epochs(cfg, epochs))[epochs // 2], report.size)


def _one_view(steps: list[dict]) -> list[dict]:
    """A pipeline without augmentation, as the cached training reads, with one view of each clip."""
    return [dict(step, num_clips=1) if step['type'] == 'SampleFrameViews' else step for step in steps]


def _epochs(cfg: Config, epochs: int) -> list[float]:
    """Seconds of each epoch: loading, forward, backward, optimizer."""
    cfg.experiment_name = f'benchmark_{"cached" if "feature_cache" in cfg else "raw"}'
    runner = build_runner(cfg, 'train')
    loader, wrapper = runner.train_dataloader, runner.build_optim_wrapper(runner.optim_wrapper)
    runner.model.train()
    seconds = []
    for _ in range(epochs):
        began = time.perf_counter()
        for data in loader:
            runner.model.train_step(data, optim_wrapper=wrapper)
        seconds.append(time.perf_counter() - began)
    return seconds
