"""Data sets with published folds: DFEW, MAFW and folds of one's own."""
from collections.abc import Callable, Sequence

from mmaction.registry import DATASETS

from claip_emo_mm.datasets.audio_visual import AudioVisualDataset
from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND
from claip_emo_mm.datasets.official_splits import FOLD_SPLITS, OfficialSplit, fold_list
from claip_emo_mm.errors import InputError


@DATASETS.register_module()
class FoldDataset(AudioVisualDataset):
    """A split of a fold whose lists are `lists/fold<fold>_train.csv` and `lists/fold<fold>_test.csv`.

    DFEW and MAFW have data sets of their own, which compare the lists with the published numbers as well.

    Args:
        fold: from 1; the number of the split that is tested.
        split: ``'train'`` or ``'test'``; by default the one that `test_mode` says.
        pipeline, data_root, classes, test_mode, indices, serialize_data, lazy_init, on_error, first_number: as
            in `AudioVisualDataset`.
    Raises:
        InputError: there is no such split, or the list is not right.
    """

    def __init__(self, fold: int, pipeline: Sequence[dict | Callable], split: str | None = None, data_root: str = '',
                 classes: str | Sequence[str] = 'dfew', test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, serialize_data: bool = True, lazy_init: bool = False,
                 on_error: str = 'raise',
                 first_number: int | None = None) -> None:
        split = split or ('test' if test_mode else 'train')
        if split not in FOLD_SPLITS or not isinstance(fold, int) or isinstance(fold, bool) or fold < 1:
            raise InputError(f'FoldDataset: fold is {fold!r} and split {split!r}. Expected a number from 1, and '
                             f'{" or ".join(map(repr, FOLD_SPLITS))}.')
        super().__init__(fold_list(fold, split), pipeline, data_root, classes, test_mode, indices, serialize_data,
                         lazy_init, on_error=on_error, first_number=first_number)


@DATASETS.register_module()
class DFEWDataset(AudioVisualDataset):
    """A split of a fold of DFEW (7 classes), as ``tools/prepare_data.py dfew`` makes it ready.

    How its clips of each class compare with the published numbers is said in the log.

    Args:
        fold: 1 to 5; the number of the split that is tested.
        split: ``'train'`` or ``'test'``; by default the one that `test_mode` says.
        pipeline, data_root, test_mode, indices, serialize_data, lazy_init, on_error, first_number: as in
            `AudioVisualDataset`.
        ann_file: another list in place of ``lists/fold<fold>_<split>.csv``; relative to `data_root`.
    Raises:
        InputError: there is no such fold or split, or the list is not right.
    """

    def __init__(self, fold: int, pipeline: Sequence[dict | Callable], split: str | None = None,
                 data_root: str = 'data/dfew', ann_file: str | None = None, test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, serialize_data: bool = True, lazy_init: bool = False,
                 on_error: str = 'raise',
                 first_number: int | None = None) -> None:
        split = split or ('test' if test_mode else 'train')
        self.published = OfficialSplit(DFEW, fold, split)
        super().__init__(ann_file or fold_list(fold, split), pipeline, data_root, DFEW.name, test_mode, indices,
                         serialize_data, lazy_init, on_error=on_error, first_number=first_number)


_SCHEMAS = {'single': MAFW, 'compound': MAFW_COMPOUND}


@DATASETS.register_module()
class MAFWDataset(AudioVisualDataset):
    """A split of a fold of MAFW, as ``tools/prepare_data.py mafw`` makes it ready.

    How its clips of each class compare with the published numbers is said in the log.

    Args:
        fold: 1 to 5; the number of the split that is tested.
        split: ``'train'`` or ``'test'``; by default the one that `test_mode` says.
        pipeline, data_root, test_mode, indices, serialize_data, lazy_init, on_error, first_number: as in
            `AudioVisualDataset`.
        classes: ``'single'`` for the 11 single emotions, ``'compound'`` for these and their 32 combinations.
        ann_file: another list in place of ``lists/<classes>/fold<fold>_<split>.csv``; relative to `data_root`.
    Raises:
        InputError: there is no such fold, split or kind of labels, or the list is not right.
    """

    def __init__(self, fold: int, pipeline: Sequence[dict | Callable], split: str | None = None,
                 data_root: str = 'data/mafw', classes: str = 'single', ann_file: str | None = None,
                 test_mode: bool = False, indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True, lazy_init: bool = False, on_error: str = 'raise',
                 first_number: int | None = None) -> None:
        if classes not in _SCHEMAS:
            raise InputError(f"MAFWDataset: classes is {classes!r}. Expected 'single' (11) or 'compound' (43).")
        split = split or ('test' if test_mode else 'train')
        self.published = OfficialSplit(_SCHEMAS[classes], fold, split)
        super().__init__(ann_file or fold_list(fold, split, classes), pipeline, data_root, _SCHEMAS[classes].name,
                         test_mode, indices, serialize_data, lazy_init, on_error=on_error, first_number=first_number)
