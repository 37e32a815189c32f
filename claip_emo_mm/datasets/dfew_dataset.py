"""DFEW, by folds."""
from collections.abc import Callable, Sequence

from mmaction.registry import DATASETS

from claip_emo_mm.datasets.audio_visual_dataset import AudioVisualDataset
from claip_emo_mm.datasets.folds import PublishedPart, fold_list
from claip_emo_mm.datasets.label_schemas import DFEW


@DATASETS.register_module()
class DFEWDataset(AudioVisualDataset):
    """A part of a fold of DFEW (7 classes), as ``tools/prepare_data.py dfew`` makes it ready.

    How its clips of each class compare with the published numbers is said in the log.

    Args:
        fold: 1 to 5; the number of the part that is tested.
        part: ``'train'`` or ``'test'``; by default the one that `test_mode` says.
        pipeline, data_root, test_mode, indices, serialize_data, lazy_init, on_error, first_number: as in
            `AudioVisualDataset`.
        ann_file: another list in place of ``lists/fold<fold>_<part>.csv``; relative to `data_root`.
    Raises:
        InputError: there is no such fold or part, or the list is not right.
    """

    def __init__(self, fold: int, pipeline: Sequence[dict | Callable], part: str | None = None,
                 data_root: str = 'data/dfew', ann_file: str | None = None, test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, serialize_data: bool = True, lazy_init: bool = False,
                 on_error: str = 'raise',
                 first_number: int | None = None) -> None:
        part = part or ('test' if test_mode else 'train')
        self.published = PublishedPart(DFEW, fold, part)
        super().__init__(ann_file or fold_list(fold, part), pipeline, data_root, DFEW.name, test_mode, indices,
                         serialize_data, lazy_init, on_error=on_error, first_number=first_number)
