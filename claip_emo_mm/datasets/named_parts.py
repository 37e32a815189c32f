"""Several parts that are evaluated in one go, each with figures of its own."""
from collections.abc import Mapping
from typing import Any

from mmaction.registry import DATASETS
from torch.utils.data import ConcatDataset

from claip_emo_mm.errors import InputError


@DATASETS.register_module()
class NamedParts(ConcatDataset):
    """Data sets one after the other; `metainfo['parts']` says where each begins and ends, each sample in which it is.

    `EmotionMetric(part=...)` evaluates one of them.

    Args:
        parts: name -> config of a data set; all have the same classes.
    Raises:
        InputError: they have not.
    """

    def __init__(self, parts: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__([DATASETS.build(part) for part in parts.values()])
        classes = [dataset.metainfo.get('classes') for dataset in self.datasets]
        if any(names != classes[0] for names in classes):
            raise InputError(f'NamedParts: the parts {", ".join(parts)} have different classes.')
        starts = [0, *self.cumulative_sizes]
        self.metainfo = dict(self.datasets[0].metainfo,
                             parts=dict(zip(parts, zip(starts[:-1], starts[1:], strict=True), strict=True)))

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = super().__getitem__(index)
        if 'data_samples' in sample:
            part = next(name for name, (_, stop) in self.metainfo['parts'].items() if index < stop)
            sample['data_samples'].set_metainfo(dict(part=part))
        return sample
