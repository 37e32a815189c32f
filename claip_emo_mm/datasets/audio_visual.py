"""Data set of clips with frames and audio."""
import os.path as osp
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset

from claip_emo_mm.datasets.annotations import (
    ListedClip,
    is_our_header,
    read_annotation_list,
    read_header,
    read_list_text,
)
from claip_emo_mm.datasets.labels import LabelSchema, get_schema
from claip_emo_mm.datasets.official_lists import LIST_ENCODINGS, read_official_list
from claip_emo_mm.datasets.official_splits import OfficialSplit
from claip_emo_mm.datasets.samplers import seed_clip
from claip_emo_mm.errors import InputError, check_choice, listing
from claip_emo_mm.structures import input_names, media_name, skipped_sample


def read_listed_clips(path: str | Path, schema: LabelSchema, first_number: int | None = None) -> list[ListedClip]:
    """Read an annotation list (see `read_annotation_list`), or an official list with paths or one without a header."""
    header, _, _ = read_header(read_list_text(path, LIST_ENCODINGS))
    if not header or is_our_header(header):
        return read_annotation_list(path)
    found = read_official_list(path, schema, first_number)
    if not found.has_paths:
        raise InputError(f'{path}: {found.format}: it names clips, but not where their frames and audio lie. '
                         'tools/prepare_data.py makes such a list ready: dfew or mafw, with --lists for its folder.')
    return list(found.clips)


@DATASETS.register_module()
class AudioVisualDataset(BaseDataset):
    """Clips of a list (see `read_listed_clips`): video files, or frame folders with audio files.

    A sample enters the pipeline as `filename`, or `frame_dir` and `audio_path` (either may be alone), with `label`
    (int) and `sample_idx`. No clip is ever replaced by another: one that cannot be read raises an error that names it,
    or is skipped in its batch; `SkippedClipsHook` lists those.

    Args:
        ann_file: annotation list; relative to `data_root`.
        pipeline: transforms, or their configs.
        data_root: folder that the paths of the list are relative to.
        classes: name of a label schema, or the class names themselves, label 0 first.
        test_mode: whether the clips are for validation or test.
        indices: use only the first (n), last (-n) or these clips.
        serialize_data: keep the list as bytes, which workers share without a copy.
        lazy_init: read the list at first use.
        metainfo: further metadata of the data set; `classes` is added.
        on_error: 'raise', or 'skip' for clips that cannot be read.
        first_number: number of the first class, 0 or 1, where labels are numbers and the list is too short to tell.
    Raises:
        InputError: the list cannot be read, names an unknown class, or names files that are not there.
    """

    published: OfficialSplit | None = None  # the official fold that the list should be

    def __init__(self, ann_file: str, pipeline: Sequence[dict | Callable], data_root: str = '',
                 classes: str | Sequence[str] = 'dfew', test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, serialize_data: bool = True, lazy_init: bool = False,
                 metainfo: dict | None = None, on_error: str = 'raise', first_number: int | None = None) -> None:
        check_choice(self, ('raise', 'skip'), on_error=on_error)
        check_choice(self, (0, 1, None), first_number=first_number)
        self.on_error, self.first_number = on_error, first_number
        self.schema = (get_schema(classes) if isinstance(classes, str)
                       else LabelSchema('', 'this data set', tuple(classes)))
        self._input_names: tuple[str, ...] | None = None  # of a clip that can be read
        super().__init__(ann_file=ann_file, metainfo=dict(metainfo or {}, classes=list(self.schema.classes)),
                         data_root=data_root, data_prefix={}, indices=indices, serialize_data=serialize_data,
                         pipeline=pipeline, test_mode=test_mode, lazy_init=lazy_init, max_refetch=0)

    def require_list(self) -> None:
        """Raise an `InputError` that says how the list is made where it is missing."""
        if not osp.isfile(self.ann_file):
            hint = 'Make it with tools/prepare_data.py, or correct ann_file and data_root in the config.'
            if self.published is not None:
                hint = self.published.hint(self.data_root)
            raise InputError(f'{self.ann_file}: there is no such annotation list. {hint}')

    def listed_clips(self) -> list[ListedClip]:
        """Read the list; nothing else is opened."""
        self.require_list()
        return read_listed_clips(self.ann_file, self.schema, self.first_number)

    def load_data_list(self) -> list[dict]:
        clips = self.listed_clips()
        labels = {name: label for label, name in enumerate(self.schema.classes)}
        self._check_labels(clips, labels)
        if self.published is not None:
            self.published.log_counts(self.ann_file, [clip.label for clip in clips])
        self._check_files(clips)
        return [dict(self.media(clip), label=labels[clip.label]) for clip in clips]

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the class of a clip, for MMEngine's ClassBalancedDataset."""
        return [self.get_data_info(idx)['label']]

    def prepare_data(self, idx: int) -> dict:
        """Read a clip; a skipped one has a place in its batch, but no inputs, whatever wraps this data set."""
        seed_clip(idx)
        idx = int(idx)
        try:
            sample = self._read(idx)
        except InputError as error:
            if self.on_error == 'raise':
                raise
            return skipped_sample(self.get_data_info(idx), str(error), self._names_of_inputs(idx, str(error)))
        if self._input_names is None:
            self._input_names = input_names(sample)
        return sample

    def _names_of_inputs(self, idx: int, reason: str) -> tuple[str, ...]:
        """Names of the inputs of clips that can be read; reads one where none was read before."""
        for other in chain(range(idx + 1, len(self)), range(idx)):
            if self._input_names is not None:
                return self._input_names
            try:
                sample = self._read(other)
            except InputError:
                continue
            self._input_names = input_names(sample)
            if self._input_names is None:
                raise InputError(f"{reason} (on_error='skip' leaves it out only of batches that PackAudioVisualInputs "
                                 "packs: set on_error='raise' for other recognizers.)")
        self._input_names = self._input_names or ()  # no clip can be read
        return self._input_names

    def _read(self, idx: int) -> dict:
        sample = super().prepare_data(idx)
        if sample is None:
            raise InputError(f'{media_name(self.get_data_info(idx))}: a transform of the pipeline gave nothing for '
                             'this clip. Clips are not replaced by others here: take that transform out.')
        return sample

    def media(self, clip: ListedClip) -> dict[str, str]:
        """Return `filename`, or `frame_dir` and `audio_path`, of a clip; `audio_path` alone where it has no frames."""
        if clip.video:
            return dict(filename=osp.join(self.data_root, clip.video))
        if not clip.frames:
            return dict(audio_path=osp.join(self.data_root, clip.audio))
        return dict(frame_dir=osp.join(self.data_root, clip.frames),
                    audio_path=clip.audio and osp.join(self.data_root, clip.audio))

    def _check_labels(self, clips: list[ListedClip], labels: dict[str, int]) -> None:
        unknown = [clip for clip in clips if clip.label not in labels]
        if unknown:
            raise InputError(f'{self.ann_file}:{unknown[0].line}: label {unknown[0].label!r} is none of the classes '
                             f'{", ".join(labels)} ({len(unknown)} of {len(clips)} rows have an unknown label). Labels '
                             'are class names, not numbers: convert lists with tools/prepare_data.py, or set classes.')

    def _check_files(self, clips: list[ListedClip]) -> None:
        exists = dict(filename=osp.isfile, frame_dir=osp.isdir, audio_path=osp.isfile)
        absent = ([path for key, path in self.media(clip).items() if path and not exists[key](path)] for clip in clips)
        missing = [paths[0] for paths in absent if paths]
        if missing:
            raise InputError(f'{self.ann_file}: {len(missing)} of {len(clips)} clips have files that are not there:'
                             f'{listing(missing)}\nCorrect data_root (now {self.data_root!r}), or make the files with '
                             'tools/prepare_data.py.')
