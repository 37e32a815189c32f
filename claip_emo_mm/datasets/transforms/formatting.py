"""Packing of inputs."""
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmaction.structures import ActionDataSample
from mmcv.transforms import BaseTransform
from torch import Tensor

from claip_emo_mm.datasets.transforms.loading import check_keys
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import MISSING_INDEX, VOTES, media_name

_META_KEYS = ('filename', 'frame_dir', 'audio_path', 'sample_idx', 'total_frames', 'audio_missing', 'audio_note',
              'frame_missing', VOTES)


@TRANSFORMS.register_module()
class PackAudioVisualInputs(BaseTransform):
    """Pack the inputs of the model for the modalities that the pipeline loaded.

    Returns `inputs`, with `frames` (U, 3, H, W) uint8 RGB and `frame_index` (V, T) int64 where there are `imgs`, and
    `mel` (A, 1, M, F) float32 and `audio_index` (V,) int64 where there is `mel`; and `data_samples`, an
    ActionDataSample with `gt_label` (where the sample has a label, or a `soft_label` (K,)) and the metadata. A modality
    that is missing, by `on_missing='mask'`, is an empty tensor: U or A is 0, and the index -1.

    Args:
        meta_keys: metadata to keep, where the sample has them.
    """

    def __init__(self, meta_keys: Sequence[str] = _META_KEYS) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        inputs = {}
        if 'imgs' in results:
            check_keys(self, results, frame_index='SampleFrameViews')
            inputs['frames'] = self._frames(results['imgs'])
            inputs['frame_index'] = torch.from_numpy(results['frame_index'])
        if 'mel' in results:
            inputs['mel'] = results['mel']
            inputs['audio_index'] = torch.from_numpy(results['audio_index'])
        for key, index_key in (('frames', 'frame_index'), ('mel', 'audio_index')):
            if index_key in inputs and (inputs[index_key] == MISSING_INDEX).all():
                inputs[key] = inputs[key][:0]
        if not inputs:
            raise InputError('PackAudioVisualInputs: the sample has neither imgs nor mel (found: '
                             f'{", ".join(results)}). Put DecodeFrames or LogMel, or both, before it in the pipeline.')
        if not any(len(inputs[key]) for key in ('frames', 'mel') if key in inputs):
            name = results['clip'].path if 'clip' in results else media_name(results)
            raise InputError(f'{name}: nothing is left of this clip: it has none of the modalities that the pipeline '
                             'reads. Take it out of the list.')
        data_sample = ActionDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        if 'soft_label' in results:
            data_sample.set_gt_label(torch.as_tensor(results['soft_label'], dtype=torch.float32))
        elif 'label' in results:
            data_sample.set_gt_label(results['label'])
        return dict(inputs=inputs, data_samples=data_sample)

    def _frames(self, images: np.ndarray | Sequence[np.ndarray] | Tensor) -> Tensor:
        if isinstance(images, Tensor):  # features, of LoadCachedFeatures
            return images
        shapes = {image.shape for image in images}
        if len(shapes) > 1:
            raise InputError(f'PackAudioVisualInputs: the frames of a clip have {len(shapes)} sizes, for example '
                             f'{" and ".join(map(str, sorted(shapes)[:2]))}. Put ResizeFrames before it.')
        planes = np.empty((len(images), 3, *images[0].shape[:2]), np.uint8)  # (U, 3, H, W)
        for image, colors in zip(images, planes, strict=True):
            cv2.split(image, list(colors))  # 10 times as fast as a strided copy
        return torch.from_numpy(planes)
