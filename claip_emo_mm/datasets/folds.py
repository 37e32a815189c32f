"""Published data sets and others with folds."""
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmaction.registry import DATASETS

from claip_emo_mm.datasets.audio_visual import AudioVisualDataset
from claip_emo_mm.datasets.corpora import split_list
from claip_emo_mm.datasets.known_corpora import CORPORA
from claip_emo_mm.datasets.labels import CREMAD, DFEW, MAFW, MAFW_COMPOUND
from claip_emo_mm.datasets.official_splits import FOLD_SPLITS, OfficialSplit, fold_list
from claip_emo_mm.datasets.votes import MODALITIES, VOTES_FILE, read_votes
from claip_emo_mm.errors import InputError, check_choice
from claip_emo_mm.structures import VOTES, media_name

_MAFW_SCHEMAS = {'single': MAFW, 'compound': MAFW_COMPOUND}


@DATASETS.register_module()
class FoldDataset(AudioVisualDataset):
    """A split of a fold whose lists are `lists/fold<fold>_train.csv` and `lists/fold<fold>_test.csv`.

    Args:
        fold: from 1; the number of the split that is tested.
        pipeline: transforms, or their configs.
        split: ``'train'`` or ``'test'``; by default according to `test_mode`.
        test_mode: whether the clips are for validation or test.
        options: of `AudioVisualDataset`.
    """

    def __init__(self, fold: int, pipeline: Sequence[dict | Callable], split: str | None = None,
                 test_mode: bool = False, **options: Any) -> None:
        split = split or ('test' if test_mode else 'train')
        if split not in FOLD_SPLITS or not isinstance(fold, int) or isinstance(fold, bool) or fold < 1:
            raise InputError(f'FoldDataset: fold is {fold!r} and split {split!r}. Expected a number from 1, and '
                             "'train' or 'test'.")
        super().__init__(fold_list(fold, split), pipeline, test_mode=test_mode, **options)


@DATASETS.register_module()
class DFEWDataset(AudioVisualDataset):
    """A split of a fold of DFEW (7 classes), prepared by ``tools/prepare_data.py dfew``; logs official clip counts.

    Args:
        fold, pipeline, split, test_mode, options: as in `FoldDataset`; folds 1 to 5.
        data_root: folder of the prepared data set.
        ann_file: another list in place of ``lists/fold<fold>_<split>.csv``; relative to `data_root`.
    """

    def __init__(self, fold: int, pipeline: Sequence[dict | Callable], split: str | None = None,
                 data_root: str = 'data/dfew', ann_file: str | None = None, test_mode: bool = False,
                 **options: Any) -> None:
        split = split or ('test' if test_mode else 'train')
        self.published = OfficialSplit(DFEW, fold, split)
        super().__init__(ann_file or fold_list(fold, split), pipeline, data_root, DFEW.name, test_mode, **options)


@DATASETS.register_module()
class MAFWDataset(AudioVisualDataset):
    """A split of a fold of MAFW, prepared by ``tools/prepare_data.py mafw``; logs official clip counts.

    Args:
        fold, pipeline, split, data_root, test_mode, options: as in `DFEWDataset`.
        classes: ``'single'`` for the 11 single emotions, ``'compound'`` for these and their 32 combinations.
        ann_file: another list in place of ``lists/<classes>/fold<fold>_<split>.csv``; relative to `data_root`.
    """

    def __init__(self, fold: int, pipeline: Sequence[dict | Callable], split: str | None = None,
                 data_root: str = 'data/mafw', classes: str = 'single', ann_file: str | None = None,
                 test_mode: bool = False, **options: Any) -> None:
        check_choice(self, tuple(_MAFW_SCHEMAS), classes=classes)
        schema = _MAFW_SCHEMAS[classes]
        split = split or ('test' if test_mode else 'train')
        self.published = OfficialSplit(schema, fold, split)
        super().__init__(ann_file or fold_list(fold, split, classes), pipeline, data_root, schema.name, test_mode,
                         **options)


@DATASETS.register_module()
class CorpusDataset(AudioVisualDataset):
    """A split of CREMA-D, RAVDESS, eNTERFACE05, MELD or SAVEE, prepared by ``tools/prepare_data.py``; logs clip counts.

    Args:
        corpus: ``'cremad'``, ``'ravdess'``, ``'ravdess_7'`` (without calm), ``'enterface05'``, ``'meld'``, ``'savee'``.
        pipeline, split, test_mode, options: as in `FoldDataset`; MELD has a split ``'val'``, too.
        fold: from 1; None for MELD, which has no folds.
        data_root: folder of the prepared data set; by default ``data/<corpus>``.
        ann_file: another list; relative to `data_root`.
        labels: ``'acted'``, or ``'votes'`` to train on the ratios of the votes of people (CREMA-D) as soft labels;
            clips are tested on the acted emotion, and on the votes beside it.
        votes: whose votes: raters of ``'both'``, of ``'voice'`` or of ``'face'``.
    """

    def __init__(self, corpus: str, pipeline: Sequence[dict | Callable], fold: int | None = None,
                 split: str | None = None, data_root: str | None = None, ann_file: str | None = None,
                 test_mode: bool = False, labels: str = 'acted', votes: str = 'both', **options: Any) -> None:
        check_choice(self, tuple(CORPORA), corpus=corpus)
        check_choice(self, ('acted', 'votes'), labels=labels)
        check_choice(self, MODALITIES, votes=votes)
        if labels == 'votes' and corpus != CREMAD.name:
            raise InputError(f"CorpusDataset: labels='votes' with corpus={corpus!r}. Only cremad has votes of people.")
        self.soft_labels = None if labels == 'acted' or test_mode else MODALITIES.index(votes)
        description = CORPORA[corpus]
        split = split or ('test' if test_mode else 'train')
        self.published = OfficialSplit(description.schema, fold, split, description.address)
        ann_file = ann_file or (split_list(split) if fold is None else fold_list(fold, split))
        super().__init__(ann_file, pipeline, data_root or f'data/{description.name}', corpus, test_mode, **options)

    def load_data_list(self) -> list[dict]:
        """Read the list, and the votes of people where the set has them."""
        infos = super().load_data_list()
        path = Path(self.data_root, VOTES_FILE)
        if self.soft_labels is None and not path.is_file():
            return infos
        votes = read_votes(path, self.schema.classes)
        for info in infos:
            clip_id = Path(media_name(info)).stem
            if clip_id not in votes and self.soft_labels is None:
                continue
            if clip_id not in votes:
                raise InputError(f'{path}: no votes on {clip_id}, which {self.ann_file} lists. Prepare the data set '
                                 'again, with the whole file of votes.')
            info[VOTES] = votes[clip_id]
            if self.soft_labels is not None:
                counts = votes[clip_id][self.soft_labels]
                info['soft_label'] = counts / counts.sum()
        return infos
