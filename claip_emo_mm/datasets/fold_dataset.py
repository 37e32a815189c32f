"""Any data set of one's own that comes in folds."""
from collections.abc import Callable, Sequence

from mmaction.registry import DATASETS

from claip_emo_mm.datasets.audio_visual_dataset import AudioVisualDataset
from claip_emo_mm.datasets.folds import PARTS, fold_list
from claip_emo_mm.errors import InputError


@DATASETS.register_module()
class FoldDataset(AudioVisualDataset):
    """A part of a fold whose lists are `lists/fold<fold>_train.csv` and `lists/fold<fold>_test.csv`.

    DFEW and MAFW have data sets of their own, which compare the lists with the published numbers as well.

    Args:
        fold: from 1; the number of the part that is tested.
        part: ``'train'`` or ``'test'``; by default the one that `test_mode` says.
        pipeline, data_root, classes, test_mode, indices, serialize_data, lazy_init, on_error, first_number: as
            in `AudioVisualDataset`.
    Raises:
        InputError: there is no such part, or the list is not right.
    """

    def __init__(self, fold: int, pipeline: Sequence[dict | Callable], part: str | None = None, data_root: str = '',
                 classes: str | Sequence[str] = 'dfew', test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, serialize_data: bool = True, lazy_init: bool = False,
                 on_error: str = 'raise',
                 first_number: int | None = None) -> None:
        part = part or ('test' if test_mode else 'train')
        if part not in PARTS or not isinstance(fold, int) or isinstance(fold, bool) or fold < 1:
            raise InputError(f'FoldDataset: fold is {fold!r} and part {part!r}. Expected a number from 1, and '
                             f'{" or ".join(map(repr, PARTS))}.')
        super().__init__(fold_list(fold, part), pipeline, data_root, classes, test_mode, indices, serialize_data,
                         lazy_init, on_error=on_error, first_number=first_number)
