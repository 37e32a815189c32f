"""A data set from folders of videos."""
import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from claip_emo_mm.data_preparation.class_folders import SPLITS, LabeledVideo, assign_splits, find_labeled_videos
from claip_emo_mm.data_preparation.clips import UNUSABLE, ClipPreparation, Failure, reason
from claip_emo_mm.data_preparation.crop_policy import decide_faces
from claip_emo_mm.data_preparation.official_dataset import prepare_clips
from claip_emo_mm.data_preparation.report import FAILURES_FILE, write_failures, write_notes
from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.errors import InputError, named, printable
from claip_emo_mm.faces.detector import FaceDetector, SlimFaceDetector
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


def config_name(out: Path) -> str:
    """Name of the config of the set in a folder; a work folder is called by it."""
    return re.sub(r'\W', '_', out.resolve().name) + '.py'


def config_text(out: Path, base: Path, classes: Sequence[str]) -> str:
    """The text of the config.

    Args:
        out: folder of the set, which the config goes into.
        base: config that says all the rest.
        classes: class names, label 0 first.
    Raises:
        InputError: the base is no config for training such a set.
    """
    cfg = load_config(base)
    head = cfg.model.get('cls_head') or {}
    absent = [f'{split}_dataloader' for split in SPLITS if cfg.get(f'{split}_dataloader') is None]
    if 'num_classes' not in head or absent:
        raise InputError(f'{base}: not a config that can be trained and tested on other classes: '
                         f'{", ".join(absent) or "model.cls_head.num_classes"} missing. Take one of configs/.')
    changed = [f'cls_head=dict(num_classes={len(classes)})']
    if (cfg.model.get('data_preprocessor') or {}).get('blending'):
        changed.append(f'data_preprocessor=dict(blending=dict(num_classes={len(classes)}))')
    base_path = Path(os.path.relpath(base.resolve(), out.resolve())).as_posix()
    leaf = _LEAF.format(count=len(classes), root=out.as_posix(), base=base.name, base_path=base_path,
                        classes=list(classes), model=', '.join(changed))
    return leaf + ''.join(_LOADER.format(split=split, mode='' if split == 'train' else ', test_mode=True')
                          for split in SPLITS)


_WORTH_A_WORKER = 400  # videos: opening them takes about as long as starting a process
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FolderSet:
    """What to prepare, and how.

    Args:
        source: folder with a subfolder of videos for each class.
        out: folder for lists and config, and for cropped faces and their audio; neither in the source nor around it.
        base: config over which the set's config is made.
        ratios: of training, validation and test, in percent.
        seed: of the deal.
        person: see `assign_splits`.
        faces: 'crop', 'keep', or 'auto', see `decide_faces`. Videos of faces are used where they lie.
        make_finder: makes the face finder, once in each process.
    """
    source: Path
    out: Path
    base: Path
    ratios: tuple[int, int, int] = (70, 10, 20)
    seed: int = 0
    person: str | None = None
    faces: str = 'auto'
    make_finder: Callable[[], FaceDetector] = SlimFaceDetector


@dataclass(frozen=True)
class FolderSetReport:
    """The outcome.

    Args:
        classes: class names, label 0 first.
        counts: split -> ready clips of each class.
        silent: ids of the ready clips without audio.
        failures: the clips that are not ready, and folders that cannot be used.
        config: the set's config.
        unused: files that are no videos by their names.
        empty: classes without a ready clip.
    """
    classes: list[str]
    counts: dict[str, list[int]]
    silent: list[str]
    failures: list[Failure]
    config: Path
    unused: list[Path]
    empty: list[str]

    def lines(self) -> list[str]:
        """Return a table of clips by class and split."""
        width = max(map(len, (*self.classes, 'all')))
        rows = [[name, *(counts[label] for counts in self.counts.values())] for label, name in enumerate(self.classes)]
        rows.append(['all', *(sum(counts) for counts in self.counts.values())])
        lines = [f'  {"":{width}}' + ''.join(f'{split:>8}' for split in self.counts)]
        lines += [f'  {name:{width}}' + ''.join(f'{count:8}' for count in counts) for name, *counts in rows]
        if self.silent:
            lines.append(f'{len(self.silent)} clips without audio ({self.silent[0]} for instance): to train on them, '
                         "set on_missing='silence' in LoadAudioWindows, or take a config that sees only.")
        if self.unused:
            lines.append(f'{len(self.unused)} files are no videos and are not used: '
                         f'{named(path.name for path in self.unused)}')
        return lines

    def error(self) -> str:
        """What went wrong, '' where nothing did."""
        text = ''
        if self.failures:
            folders = sum(failure.stage == 'folder' for failure in self.failures)
            clips = len(self.failures) - folders
            counts = [f'{clips} clips are not ready'] if clips else []
            counts += [f'{folders} folders cannot be used'] if folders else []
            text = (f'{" and ".join(counts)}, with the reason for each; the lists are without them. Repair the files, '
                    'and give the same command again.')
        if self.empty:
            text += f' Classes without any usable clip: {", ".join(self.empty)}.'
        return text.strip()


def prepare_folder_dataset(wanted: FolderSet, workers: int = 1) -> FolderSetReport:
    """Write `train.csv`, `val.csv`, `test.csv` and the config, and crop faces where the videos show scenes.

    Clips that cannot be prepared are left out of the lists and named in `failures.csv`, files that are no videos in
    `notes.csv`. A run that was interrupted goes on; a config that was changed by hand is kept.

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
    videos, classes = found.videos, found.classes
    dealt = assign_splits(videos, wanted.ratios, wanted.seed, wanted.person)
    text = config_text(out, wanted.base, classes)
    with writing_into(out, _logger):
        crops = decide_faces(out, wanted.source, [_source(video) for video in videos], wanted.faces,
                             wanted.make_finder)['videos'] == 'crop'
        rows, silent, failures = (_crop if crops else _open)(wanted, videos, workers)
        failures = [*found.failures, *failures]
        write_failures(out, failures)
        write_notes(out, [*((clip_id, 'no audio') for clip_id in silent),
                          *((printable(path), 'no video by its name: not used') for path in found.unused)])
        counts = {}
        for split, members in dealt.items():
            ready = [video for video in members if video.clip_id in rows]
            counts[split] = [sum(video.label == name for video in ready) for name in classes]
            if not ready:
                raise InputError(f'{out / FAILURES_FILE}: no clip of the {split} split is ready, with the reason for '
                                 'each; no list was written for it. Repair the files, and give the same command again.')
            write_csv(out / f'{split}.csv', ('frames', 'audio', 'label') if crops else ('video', 'label'),
                      ((*rows[video.clip_id], video.label) for video in ready))
        config = out / config_name(out)
        if not config.is_file():
            write_text(config, text)
        elif config.read_text(encoding='utf-8') != text:
            _logger.warning('%s: kept as it is, though it would be made otherwise now; delete it to have it made anew',
                            config)
    empty = [name for label, name in enumerate(classes) if not any(numbers[label] for numbers in counts.values())]
    return FolderSetReport(classes, counts, silent, failures, config, found.unused, sorted([*found.empty, *empty]))


Rows = dict[str, tuple[str, ...]]  # clip id -> cells of the list before the label


def _crop(wanted: FolderSet, videos: list[LabeledVideo], workers: int) -> tuple[Rows, list[str], list[Failure]]:
    preparation = ClipPreparation(wanted.out, True, True, wanted.make_finder)
    preparation.open_folder()
    prepared = prepare_clips(preparation, [_source(video) for video in videos], workers)
    failures = [clip.failure for _, clip in sorted(prepared.items()) if clip.failure]
    ready = {clip_id: clip for clip_id, clip in sorted(prepared.items()) if not clip.failure}
    rows = {clip_id: (_relative(clip.frames, wanted.out), _relative(clip.audio, wanted.out))
            for clip_id, clip in ready.items()}
    return rows, [clip_id for clip_id, clip in ready.items() if clip.audio is None], failures


def _open(wanted: FolderSet, videos: list[LabeledVideo], workers: int) -> tuple[Rows, list[str], list[Failure]]:
    opened: dict[str, bool | Failure] = {}
    with tqdm(total=len(videos), unit='clip', desc='clips', mininterval=.5) as bar:
        def note(found: tuple[str, bool | Failure]) -> None:
            opened[found[0]] = found[1]
            bar.update()

        run_parallel(open_video, videos, workers, note, _WORTH_A_WORKER)
    failures = [found for _, found in sorted(opened.items()) if isinstance(found, Failure)]
    rows = {video.clip_id: (_relative(video.path, wanted.out),) for video in videos
            if not isinstance(opened[video.clip_id], Failure)}
    return rows, sorted(clip_id for clip_id, found in opened.items() if found is False), failures


def open_video(video: LabeledVideo) -> tuple[str, bool | Failure]:
    """Return the clip's id, and whether the video has audio or why it cannot be used."""
    try:
        return video.clip_id, VideoFile(str(video.path)).has_audio
    except UNUSABLE as error:
        return video.clip_id, Failure(video.clip_id, str(video.path), 'video', reason(video.path, error))


def _source(video: LabeledVideo) -> ClipSource:
    return ClipSource(video.clip_id, video=video.path)


def _relative(path: Path | None, out: Path) -> str:
    return '' if path is None else Path(os.path.relpath(path.resolve(), out.resolve())).as_posix()
