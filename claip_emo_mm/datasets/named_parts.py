"""Several parts that are evaluated in one go, each with figures of its own."""
from collections.abc import Mapping, Sequence
from typing import Any

from mmaction.registry import DATASETS
from torch.utils.data import ConcatDataset

from claip_emo_mm.datasets.skipped_clips import fill_places
from claip_emo_mm.errors import InputError


@DATASETS.register_module()
class NamedParts(ConcatDataset):
    """Data sets one after the other; `metainfo['parts']` says where each begins and ends.

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

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Return the samples of a batch; a clip that is skipped has a place in it, but no inputs."""
        return fill_places([self._one(index) for index in indices])

    def _one(self, index: int) -> dict[str, Any]:
        number = next(number for number, end in enumerate(self.cumulative_sizes) if index < end)
        dataset, place = self.datasets[number], index - [0, *self.cumulative_sizes][number]
        several = getattr(dataset, '__getitems__', None)
        return several([place])[0] if several else dataset[place]
