"""MAFW, by folds, with its single or its compound labels."""
from collections.abc import Callable, Sequence

from mmaction.registry import DATASETS

from claip_emo_mm.datasets.audio_visual_dataset import AudioVisualDataset
from claip_emo_mm.datasets.folds import PublishedPart, fold_list
from claip_emo_mm.datasets.label_schemas import MAFW, MAFW_COMPOUND
from claip_emo_mm.errors import InputError

_SCHEMAS = {'single': MAFW, 'compound': MAFW_COMPOUND}


@DATASETS.register_module()
class MAFWDataset(AudioVisualDataset):
    """A part of a fold of MAFW, as ``tools/prepare_data.py mafw`` makes it ready.

    How its clips of each class compare with the published numbers is said in the log.

    Args:
        fold: 1 to 5; the number of the part that is tested.
        part: ``'train'`` or ``'test'``; by default the one that `test_mode` says.
        pipeline, data_root, test_mode, indices, serialize_data, lazy_init, on_error, first_number: as in
            `AudioVisualDataset`.
        classes: ``'single'`` for the 11 single emotions, ``'compound'`` for these and their 32 combinations.
        ann_file: another list in place of ``lists/<classes>/fold<fold>_<part>.csv``; relative to `data_root`.
    Raises:
        InputError: there is no such fold, part or kind of labels, or the list is not right.
    """

    def __init__(self, fold: int, pipeline: Sequence[dict | Callable], part: str | None = None,
                 data_root: str = 'data/mafw', classes: str = 'single', ann_file: str | None = None,
                 test_mode: bool = False, indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True, lazy_init: bool = False, on_error: str = 'raise',
                 first_number: int | None = None) -> None:
        if classes not in _SCHEMAS:
            raise InputError(f"MAFWDataset: classes is {classes!r}. Expected 'single' (11) or 'compound' (43).")
        part = part or ('test' if test_mode else 'train')
        self.published = PublishedPart(_SCHEMAS[classes], fold, part)
        super().__init__(ann_file or fold_list(fold, part, classes), pipeline, data_root, _SCHEMAS[classes].name,
                         test_mode, indices, serialize_data, lazy_init, on_error=on_error, first_number=first_number)
