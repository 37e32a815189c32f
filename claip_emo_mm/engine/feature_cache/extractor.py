"""Extraction of the features that one clip lacks."""
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import Compose
from mmengine.config import Config

from claip_emo_mm.datasets.feature_cache import ContentHashes, FeatureStore, claim, seeded, window_ids
from claip_emo_mm.engine.feature_cache.encoders import FrozenEncoder
from claip_emo_mm.engine.feature_cache.plan import FeaturePlan, Use
from claip_emo_mm.engine.feature_cache.points import FeatureCacheConfig
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import media_name


class ClipJob(NamedTuple):
    """A clip to extract, for some uses of the plan."""
    info: dict[str, Any]  # of the data set: its files
    clip: bytes  # hash of their content
    uses: tuple[int, ...]


class Extracted(NamedTuple):
    """What became of a job."""
    job: ClipJob
    rows: int = 0  # that were encoded
    size: int = 0  # their bytes
    error: str = ''  # why the clip has no features
    busy: bool = False  # another process works on the clip


class _Version(NamedTuple):
    """An augmented version of a clip, for one use."""
    number: int  # of the use
    use: Use
    version: int
    sampled: dict[str, Any]  # what the sampling of views gave


class ClipExtractor:
    """Encodes what clips lack, and appends it to the stores; an encoder is built when a clip first needs it.

    Args:
        cfg: a config with ``feature_cache``.
        splits: whose features are needed.
        device: where to compute.
    """

    def __init__(self, cfg: Config, splits: Sequence[str], device: str) -> None:
        self.cfg, self.device = cfg, device
        self.plan = FeaturePlan(cfg, ContentHashes(FeatureCacheConfig.of(cfg).dir), splits)
        self.stores = {point.folder: FeatureStore(self.plan.cache / point.folder) for point in self.plan.points()}
        self._encoders: dict[str, FrozenEncoder] = {}
        self._samplers = [TRANSFORMS.build(use.parts.sampler) for use in self.plan.uses]
        self._chains = [{name: [TRANSFORMS.build(step) for step in use.parts.chains[name]] for name in use.points}
                        for use in self.plan.uses]
        self._open, self._pack = (TRANSFORMS.build(dict(type=kind)) for kind in ('OpenAudioVisualClip',
                                                                               'PackAudioVisualInputs'))

    def is_complete(self, job: ClipJob) -> bool:
        """Whether the stores have all rows of a clip, as far as can be told without opening it."""
        folders = [point.folder for number in job.uses for point in self.plan.uses[number].points.values()]
        known = {folder: self.stores[folder].media(job.clip) for folder in folders}
        if None in known.values():
            return False
        for each in self._versions(job, dict(job.info, total_frames=known[folders[0]]['total_frames'])):
            for name, point in each.use.points.items():
                media = known[point.folder]
                is_there = media['has_frames'] if name == 'visual' else media['track_samples'] is not None
                if not is_there and self._chains[each.number][name][0].on_missing == 'error':
                    return False  # opening it says so
                ids = each.sampled['frame_inds'] if name == 'visual' else self._windows(each, media['track_samples'])
                if (name == 'audio' or is_there) and len(self._missing(job, each, name, ids)):
                    return False
        return True

    def extract(self, job: ClipJob, wait: bool = False) -> Extracted:
        """Encode what a clip lacks; with `wait`, also where another process works on it."""
        with claim(self.plan.cache, job.clip, wait) as is_mine:
            if not is_mine:
                return Extracted(job, busy=True)
            for store in self.stores.values():
                store.refresh()
            if self.is_complete(job):
                return Extracted(job)
            for name in {name for number in job.uses for name in self.plan.uses[number].points}:
                self._encoder(name)  # what is wrong with it is not the clip's fault
            try:
                opened = self._open(dict(job.info))
                rows = self._visual(job, opened) + self._audio(job, opened)
            except InputError as error:
                return Extracted(job, error=str(error))
        return Extracted(job, sum(count for count, _ in rows), sum(size for _, size in rows))

    def _versions(self, job: ClipJob, results: Mapping[str, Any]) -> Iterator[_Version]:
        for number in job.uses:
            use, sampler = self.plan.uses[number], self._samplers[number]
            for version in range(use.versions):
                with nullcontext() if getattr(sampler, 'test_mode', False) else seeded(job.clip, version):
                    yield _Version(number, use, version, sampler(dict(results)))

    def _windows(self, each: _Version, track_samples: int | None) -> np.ndarray:
        """Numbers of the audio windows of a version; empty where the missing audio is masked."""
        bounds, index = self._chains[each.number]['audio'][0].locate(each.sampled['audio_spans'], track_samples)
        return window_ids(bounds) if index.max() >= 0 else np.empty(0, np.int64)

    def _missing(self, job: ClipJob, each: _Version, name: str, ids: np.ndarray) -> np.ndarray:
        store = self.stores[each.use.points[name].folder]
        return np.setdiff1d(ids, store.ids(job.clip, _row_version(each, name)))

    def _groups(self, job: ClipJob, opened: Mapping[str, Any], name: str) -> Iterator[list[_Version]]:
        """Versions that share their rows: all of the same transforms where nothing is random in these, else one."""
        shared: dict[str, list[_Version]] = {}
        for each in self._versions(job, opened):
            if name not in each.use.points:
                continue
            if each.use.parts.is_fixed(name):
                shared.setdefault(each.use.points[name].folder, []).append(each)
            else:
                yield [each]
        yield from shared.values()

    def _seed(self, job: ClipJob, group: Sequence[_Version], name: str) -> AbstractContextManager:
        return nullcontext() if group[0].use.parts.is_fixed(name) else seeded(job.clip, group[0].version)

    def _visual(self, job: ClipJob, opened: Mapping[str, Any]) -> list[tuple[int, int]]:
        added = []
        media = dict(total_frames=opened['total_frames'], has_frames=opened['clip'].has_frames)
        for group in self._groups(job, opened, 'visual'):
            first = group[0]
            wanted = np.unique(np.concatenate([each.sampled['frame_inds'] for each in group]))
            missing = self._missing(job, first, 'visual', wanted)
            if len(missing) and first.use.parts.is_fixed('visual'):
                wanted = missing  # else all are computed again, as what is random depends on all
            if len(missing):
                results = dict(opened, frame_inds=wanted, frame_index=np.arange(len(wanted))[None])
                with self._seed(job, group, 'visual'):
                    results = Compose(self._chains[first.number]['visual'])(results)
                if media['has_frames']:
                    added.append(self._append(job, first, 'visual', wanted, missing, results))
            self._append_media(job, first, 'visual', media)
        return added

    def _audio(self, job: ClipJob, opened: Mapping[str, Any]) -> list[tuple[int, int]]:
        added = []
        for group in self._groups(job, opened, 'audio'):
            first = group[0]
            load, *others = self._chains[first.number]['audio']
            with self._seed(job, group, 'audio'):
                results = load(dict(opened, audio_spans=np.concatenate([each.sampled['audio_spans']
                                                                        for each in group])))
                wanted = window_ids(results['audio_bounds'])
                missing = self._missing(job, first, 'audio', wanted)
                if results['audio_index'].max() < 0:
                    missing = missing[:0]
                if len(missing) and first.use.parts.is_fixed('audio'):
                    kept = np.flatnonzero(np.isin(wanted, missing))
                    wanted, results['audios'] = wanted[kept], [results['audios'][place] for place in kept]
                if len(missing):
                    results = Compose(others)(dict(results, audio_index=np.arange(len(wanted))))
            if len(missing):
                added.append(self._append(job, first, 'audio', wanted, missing, results))
            self._append_media(job, first, 'audio', dict(
                total_frames=opened['total_frames'], track_samples=results['track_samples'],
                audio_note=results['audio_note']))
        return added

    def _append(self, job: ClipJob, each: _Version, name: str, wanted: np.ndarray, missing: np.ndarray,
                results: Mapping[str, Any]) -> tuple[int, int]:
        """Encode frames or audio windows, and keep those that are missing; returns their number and bytes."""
        loaded = ('imgs', 'frame_index') if name == 'visual' else ('mel', 'audio_index')
        kept = {key: value for key, value in results.items() if key in loaded or key in ('filename', 'clip')}
        encoder = self._encoder(name)
        rows = encoder.encode([self._pack(kept)])[np.isin(wanted, missing)]
        self._refuse_edited(job)
        store, point = self.stores[each.use.points[name].folder], each.use.points[name]
        if not store.description:
            statistics = encoder.write_statistics(store.folder)
            store.create(dict(settings=point.settings, pretrained=point.pretrained, dtype=self.plan.options.dtype,
                              shape=list(rows.shape[1:]), frozen_sha256=encoder.frozen_sha256, statistics=statistics))
        store.append(job.clip, _row_version(each, name), wanted[np.isin(wanted, missing)], rows)
        return len(rows), len(rows) * store.row_bytes

    def _append_media(self, job: ClipJob, each: _Version, name: str, media: Mapping[str, Any]) -> None:
        self._refuse_edited(job)
        self.stores[each.use.points[name].folder].append_media(job.clip, media)

    def _refuse_edited(self, job: ClipJob) -> None:
        """Keep nothing of other files than those that were hashed: they are hashed long before they are decoded."""
        if self.plan.contents.clip(job.info, again=True) != job.clip:
            raise InputError(f'{media_name(job.info)}: was edited during the extraction. The same command extracts it '
                             'again.')

    def _encoder(self, name: str) -> FrozenEncoder:
        if name not in self._encoders:
            self._encoders[name] = FrozenEncoder(self.cfg, name, self.plan.options, self.device)
        return self._encoders[name]


def _row_version(each: _Version, name: str) -> int:
    return 0 if each.use.parts.is_fixed(name) else each.version
