"""Features of frozen encoders, from a cache in place of media."""
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from torch import Tensor

from claip_emo_mm.datasets.feature_cache import (
    MODALITIES,
    ContentHashes,
    FeatureStore,
    seeded,
    split_pipeline,
    window_ids,
)
from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.structures import MISSING_INDEX, media_name


@TRANSFORMS.register_module()
class LoadCachedFeatures(BaseTransform):
    """Sample the views of a clip as a pipeline does, and read their features; no media is opened.

    Reads `filename`, or `frame_dir` and `audio_path`. Adds what the pipeline's transforms add before packing, with
    features (U, ...) float32 as `imgs` and (A, ...) as `mel`.

    Args:
        cache: folder of the feature cache.
        pipeline: configs of the pipeline whose results went through the encoders.
        stores: modality -> folder of its features in the cache; modalities that it lacks are not loaded.
        versions: augmented versions of a clip, of which one is sampled.
        one_view: whether one of the views is sampled, for training.
    Raises:
        InputError: the features of a clip are not in the cache, or its files were edited since they were extracted; or
            the clip lacks a modality that the pipeline needs (`on_missing='error'`), as where media are read.
    """

    def __init__(self, cache: str, pipeline: Sequence[Mapping[str, Any]], stores: Mapping[str, str], versions: int = 1,
                 one_view: bool = False) -> None:
        check_whole(self, versions=versions)
        self.cache, self.versions, self.one_view = Path(cache), versions, one_view
        self.parts = split_pipeline(pipeline)
        self.sampler = TRANSFORMS.build(self.parts.sampler)
        self.loaders = {name: TRANSFORMS.build(self.parts.chains[name][0]) for name in stores}
        self.folders = {name: self.cache / stores[name] for name in MODALITIES if name in stores}
        self._stores: dict[str, FeatureStore] = {}
        self._contents = ContentHashes(cache, read_only=True)

    def transform(self, results: dict) -> dict:
        if not self._stores:  # at first use, in the process that loads
            self._stores = {name: FeatureStore(folder) for name, folder in self.folders.items()}
        clip = self._contents.clip(results)
        version = np.random.randint(self.versions) if self.versions > 1 else 0
        media: dict[str, Any] = {}
        for name, store in self._stores.items():
            found = store.media(clip)
            if found is None:
                raise self._missing(results, name)
            media.update(found)
        results = dict(results, total_frames=media['total_frames'])
        with nullcontext() if getattr(self.sampler, 'test_mode', False) else seeded(clip, version):
            results = self.sampler(results)
        if self.one_view:
            view = np.random.randint(len(results['audio_spans']))
            kept, index = np.unique(results['frame_index'][view], return_inverse=True)
            results.update(frame_inds=results['frame_inds'][kept], frame_index=index.reshape(1, -1),
                           audio_spans=results['audio_spans'][view:view + 1])
        if 'visual' in self._stores:
            if media['has_frames']:
                results['imgs'] = self._features(results, 'visual', clip, version, results['frame_inds'])
            else:
                self.loaders['visual'].check_missing(media_name(results))
                results.update(imgs=self._nothing('visual'), frame_missing=True,
                               frame_index=np.full_like(results['frame_index'], MISSING_INDEX))
        if 'audio' in self._stores:
            if media['track_samples'] is None:
                self.loaders['audio'].check_missing(media_name(results))
            bounds, index = self.loaders['audio'].locate(results['audio_spans'], media['track_samples'])
            is_missing = (index == MISSING_INDEX).all()
            results.update(
                mel=self._nothing('audio') if is_missing else self._features(results, 'audio', clip, version,
                                                                            window_ids(bounds)),
                audio_index=index, audio_missing=media['track_samples'] is None, audio_note=media['audio_note'])
        return results

    def _features(self, results: Mapping[str, Any], name: str, clip: bytes, version: int, ids: np.ndarray) -> Tensor:
        rows = self._stores[name].rows(clip, 0 if self.parts.is_fixed(name) else version, ids)
        if rows is None:
            raise self._missing(results, name)
        return torch.from_numpy(rows).float()

    def _nothing(self, name: str) -> Tensor:
        return torch.zeros(1, *self._stores[name].row_shape)  # not packed

    def _missing(self, results: Mapping[str, Any], name: str) -> InputError:
        return InputError(f'{media_name(results)}: {self.folders[name]} lacks its {name} features. Extract what is '
                          f'missing: tools/extract_features.py CONFIG --out {self.cache}.')
