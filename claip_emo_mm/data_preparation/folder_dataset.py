"""A data set from a folder of videos per class: its lists and its config."""
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from claip_emo_mm.data_preparation.class_folders import SPLITS, assign_splits, find_labeled_videos, speaker_of
from claip_emo_mm.data_preparation.clips import (
    FAILURES_FILE,
    UNUSABLE,
    ClipPreparation,
    Failure,
    PreparedClip,
    list_cell,
    prepare_clips,
    reason,
    write_failures,
)
from claip_emo_mm.data_preparation.crop_policy import decide_faces
from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.data_preparation.speakers import shared_people_warning
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.errors import InputError, named, printable
from claip_emo_mm.faces.detector import FaceDetector, default_detector
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.utils.io import write_csv, write_text, writing_into
from claip_emo_mm.utils.parallel import run_parallel

_LEAF = '''\
# {count} classes, over {base}; made by tools/prepare_data.py folder, free to be changed.
_base_ = [{base_path!r}]
data_root = {root!r}
classes = {classes!r}

model = dict({model})
'''
_LOADER = '''\
{split}_dataloader = dict(
    dataset=dict(_delete_=True, type='AudioVisualDataset', ann_file='{split}.csv', data_root=data_root, classes=classes,
                 pipeline=_base_.{split}_dataloader.dataset.pipeline{mode}))
'''
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FolderSet:
    """What to prepare, and how."""
    source: Path  # folder with a subfolder of videos for each class
    out: Path  # folder for lists and config, and for cropped faces and their audio; neither in the source nor around it
    base: Path  # config on which the set's config is based
    ratios: tuple[int, int, int] = (70, 10, 20)  # of train, val and test, in percent
    seed: int = 0  # of the assignment to splits
    speaker_regex: str | None = None  # see `assign_splits`
    faces: str = 'auto'  # 'crop', 'keep', or 'auto', see `decide_faces`. Videos of faces are used where they lie
    make_detector: Callable[[], FaceDetector] = default_detector  # makes the face detector, once in each process


@dataclass(frozen=True)
class FolderSetReport:
    """The outcome of `prepare_folder_dataset`."""
    classes: list[str]  # label 0 first
    counts: dict[str, list[int]]  # split -> ready clips of each class
    silent: list[str]  # ids of the ready clips without audio
    failures: list[Failure]  # the clips that are not ready, and folders that cannot be used
    config: Path
    unused: list[Path]  # no videos by their names
    empty: list[str]  # classes without a ready clip
    people: dict[str, int] | None  # split -> people, by `speaker_regex`; None without one

    def lines(self) -> list[str]:
        """Return a table of clips by class and split."""
        rows = [('', *self.counts), *zip(self.classes, *self.counts.values(), strict=True),
                ('all', *map(sum, self.counts.values()))]
        if self.people is not None:
            rows.append(('people', *self.people.values()))
        width = max(len(name) for name, *_ in rows)
        lines = [f'  {name:{width}}' + ''.join(f'{cell:>8}' for cell in cells) for name, *cells in rows]
        if self.silent:
            lines.append(f'{len(self.silent)} clips without audio ({self.silent[0]} for instance): to train on them, '
                         "set on_missing='silence' in LoadAudioWindows, or take a config without audio.")
        if self.unused:
            lines.append(f'{len(self.unused)} files are no videos and are not used: '
                         f'{named(path.name for path in self.unused)}')
        return lines

    def error(self) -> str:
        """What went wrong; '' for nothing."""
        folders = sum(failure.stage == 'folder' for failure in self.failures)
        numbers = {'clips are not ready': len(self.failures) - folders, 'folders cannot be used': folders}
        counts = ' and '.join(f'{number} {what}' for what, number in numbers.items() if number)
        texts = [f'{counts}, with the reason for each; the lists are without them. Repair the files, and give the same '
                 'command again.'] if counts else []
        return ' '.join(texts + [f'Classes without any usable clip: {", ".join(self.empty)}.'] * bool(self.empty))


def prepare_folder_dataset(wanted: FolderSet, workers: int = 1) -> FolderSetReport:
    """Write `train.csv`, `val.csv`, `test.csv` and the config, and crop faces where the videos show scenes.

    Clips that cannot be prepared are excluded from the lists and named in `failures.csv`, files that are no videos in
    `notes.csv`. An interrupted run can be resumed; a config that was changed by hand is kept.

    Raises:
        InputError: the source is not as it must be, or the results cannot be written.
    """
    out = wanted.out
    here, there = out.resolve(), wanted.source.resolve()
    if there.is_relative_to(here) or here.is_relative_to(there):
        raise InputError(f'{out}: the folder for the results is, holds or lies in the one of the videos '
                         f'({wanted.source}). Choose another folder with --out.')
    found = find_labeled_videos(wanted.source)
    for failure in found.failures:
        _logger.warning('not used: %s', failure.reason)
    assigned = assign_splits(found.videos, wanted.ratios, wanted.seed, wanted.speaker_regex)
    if wanted.speaker_regex is None and (warning := shared_people_warning(assigned)):
        _logger.warning('%s: %s', wanted.source, warning)
    config, text = _config(out, wanted.base, found.classes)
    clips = [ClipSource(video.clip_id, video=video.path) for video in found.videos]
    with writing_into(out, _logger):
        crops = decide_faces(out, wanted.source, clips, wanted.faces, wanted.make_detector)['videos'] == 'crop'
        if crops:
            prepared = prepare_clips(ClipPreparation(out, True, True, wanted.make_detector), clips, workers)
        else:
            prepared = {clip.clip_id: clip for clip in run_parallel(open_video, clips, workers, 'clips', 400)}
        failures = [*found.failures, *(clip.failure for _, clip in sorted(prepared.items()) if clip.failure)]
        ready = {clip_id: clip for clip_id, clip in sorted(prepared.items()) if not clip.failure}
        silent = [clip_id for clip_id, clip in ready.items() if clip.audio is None]
        write_failures(out, failures, [*((clip_id, 'no audio') for clip_id in silent),
                                       *((printable(path), 'no video by its name: not used') for path in found.unused)])
        counts, people = {}, {}
        for split, videos in assigned.items():
            videos = [video for video in videos if video.clip_id in ready]
            if not videos:
                raise InputError(f'{out / FAILURES_FILE}: no clip of the {split} split is ready, with the reason for '
                                 'each; no list was written for it. Repair the files, and give the same command again.')
            counts[split] = [sum(video.label == name for video in videos) for name in found.classes]
            if wanted.speaker_regex is not None:
                people[split] = len({speaker_of(video, re.compile(wanted.speaker_regex)) for video in videos})
            files = {video: (ready[video.clip_id].frames, ready[video.clip_id].audio) if crops else (video.path,)
                     for video in videos}
            write_csv(out / f'{split}.csv', ('frames', 'audio', 'label') if crops else ('video', 'label'),
                      ((*(list_cell(path, out) for path in paths), video.label) for video, paths in files.items()))
        if not config.is_file():
            write_text(config, text)
        elif config.read_text(encoding='utf-8') != text:
            _logger.warning('%s: kept as it is, though it would be made otherwise now; delete it to have it made anew',
                            config)
    empty = [name for name, *numbers in zip(found.classes, *counts.values(), strict=True) if not any(numbers)]
    return FolderSetReport(found.classes, counts, silent, failures, config, found.unused,
                           sorted([*found.empty, *empty]), people or None)


def _config(out: Path, base: Path, classes: Sequence[str]) -> tuple[Path, str]:
    """Return file and text of the set's config."""
    cfg = load_config(base)
    missing = [f'{split}_dataloader' for split in SPLITS if cfg.get(f'{split}_dataloader') is None]
    if 'num_classes' not in (cfg.model.get('cls_head') or {}) or missing:
        raise InputError(f'{base}: not a config that can be trained and tested on other classes: '
                         f'{", ".join(missing) or "model.cls_head.num_classes"} missing. Take one of configs/.')
    names = ', classes=classes' if 'classes' in cfg.model.cls_head else ''  # the head reads them
    changed = [f'cls_head=dict(num_classes={len(classes)}{names})']
    if (cfg.model.get('data_preprocessor') or {}).get('blending'):
        changed.append(f'data_preprocessor=dict(blending=dict(num_classes={len(classes)}))')
    leaf = _LEAF.format(count=len(classes), root=out.as_posix(), base=base.name, base_path=list_cell(base, out),
                        classes=list(classes), model=', '.join(changed))
    loaders = (_LOADER.format(split=split, mode='' if split == 'train' else ', test_mode=True') for split in SPLITS)
    name = re.sub(r'\W', '_', out.resolve().name)  # work folders are called by it
    return out / f'{name}.py', leaf + ''.join(loaders)


def open_video(clip: ClipSource) -> PreparedClip:
    """Check that a video can be opened; it is used where it lies."""
    try:
        has_audio = VideoFile(str(clip.video)).has_audio
    except UNUSABLE as error:
        return PreparedClip(clip.clip_id, failure=Failure(clip.clip_id, str(clip.video), 'video',
                                                          reason(clip.video, error)))
    return PreparedClip(clip.clip_id, audio=clip.video if has_audio else None)
