"""DFEW and MAFW: from the folder that their owners distribute to prepared clips and lists."""
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from claip_emo_mm.data_preparation.clips import ClipPreparation, Failure, list_cell, prepare_clips, write_failures
from claip_emo_mm.data_preparation.crop_policy import decide_faces
from claip_emo_mm.data_preparation.fold_lists import read_fold_lists
from claip_emo_mm.data_preparation.source_scan import find_distribution
from claip_emo_mm.datasets.labels import LabelSchema
from claip_emo_mm.datasets.official_splits import fold_list
from claip_emo_mm.errors import InputError, named, printable
from claip_emo_mm.faces.detector import FaceDetector, default_detector
from claip_emo_mm.utils.io import write_csv, writing_into

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OfficialSet:
    """What to prepare, and how."""
    schema: LabelSchema  # classes of the data set
    source: Path  # folder that the owners distribute; clips and lists are found in it by content
    out: Path  # folder for `frames/`, `audio/`, `lists/`, `failures.csv` and `notes.csv`; not the source, nor around it
    kind: str = ''  # 'single' or 'compound' where the data set has both
    folds: tuple[int, ...] = (1, 2, 3, 4, 5)  # numbers of the folds, from 1
    faces: str = 'auto'  # 'crop', 'keep', or 'auto', see `decide_faces`
    lists: Path | None = None  # folder of the lists; None for the source, as for the next three
    videos: Path | None = None
    frames: Path | None = None
    audio: Path | None = None
    first_number: int | None = None  # number of the first class in lists that do not tell, see `read_official_list`
    make_detector: Callable[[], FaceDetector] = default_detector  # makes the face detector, once in each process


@dataclass(frozen=True)
class PreparationReport:
    """The outcome of `prepare_official_dataset`."""
    lists: tuple[Path, ...]  # the lists that were written; none where no clip is ready
    listed: int  # number of clips in the official lists
    with_audio: int  # number of ready clips with audio
    without_audio: tuple[str, ...]  # ids of the ready clips without audio
    cropped: int  # number of ready clips whose faces were cropped
    failures: tuple[Failure, ...]  # the clips that are not ready, and folders that cannot be read
    unlisted: tuple[str, ...]  # ids of the clips on disk that are in no list
    unused: str = ''  # other files, in words
    excluded: tuple[str, ...] = ()  # files that are left out on purpose

    @property
    def faceless(self) -> tuple[str, ...]:
        return tuple(failure.clip_id for failure in self.failures if failure.stage == 'face')

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(failure.clip_id for failure in self.failures if failure.stage not in ('face', 'folder'))

    @property
    def folders(self) -> tuple[str, ...]:
        return tuple(failure.file for failure in self.failures if failure.stage == 'folder')

    def lines(self) -> list[str]:
        """Return the summary, line by line."""
        ready = self.with_audio + len(self.without_audio)
        kept = f'   ({ready - self.cropped} with their frames as they were)' if ready > self.cropped else ''
        lines = [f'  clips          {self.listed:6} in the lists, {ready} ready',
                 f'  with audio     {self.with_audio:6}',
                 f'  without audio  {_count(self.without_audio)}',
                 f'  cropped        {self.cropped:6}{kept}',
                 f'  no face        {_count(self.faceless)}',
                 f'  failed         {_count(self.failed)}',
                 f'  in no list     {_count(self.unlisted)}']
        if self.excluded:
            lines.append(f'  left out       {_count(tuple(os.path.basename(file) for file in self.excluded))}')
        return [*lines, f'  not used       {self.unused}'] if self.unused else lines


def _count(clip_ids: Sequence[str]) -> str:
    return f'{len(clip_ids):6}   {named(clip_ids, 8)}'.rstrip()


def check_out(out: Path, source: Path) -> None:
    """Refuse a folder for results that is the one of the distribution, or around it."""
    if source.resolve().is_relative_to(out.resolve()):
        where = 'the same as' if source.resolve() == out.resolve() else 'around'
        raise InputError(f'{out}: the folder for the results is {where} the one of the distribution ({source}), whose '
                         'files must stay as they are. Choose another folder with --out.')


def prepare_official_dataset(wanted: OfficialSet, workers: int = 1) -> PreparationReport:
    """Prepare a data set, or what is still missing of it.

    Each list `lists/[kind/]fold1_train.csv` has the columns frames, audio and label (see `read_annotation_list`), with
    paths relative to `out`. Frame folders of faces and audio files are used where they lie. A clip that cannot be
    prepared is excluded from the lists and named in `failures.csv`.

    Args:
        wanted: what to prepare.
        workers: processes at most.
    Raises:
        InputError: the source or its lists are not as they must be, or the results cannot be written.
    """
    out, source = wanted.out, wanted.source
    check_out(out, source)
    found = find_distribution(source, wanted.videos, wanted.frames, wanted.audio, excluded=[out])
    clips = found.clips()
    lists = found.lists if wanted.lists is None else find_distribution(wanted.lists).lists
    folds = read_fold_lists(wanted.lists or source, lists, wanted.schema, wanted.folds, wanted.kind,
                            wanted.first_number)
    listed = sorted(set().union(*folds.values()))
    available = [clips[clip_id] for clip_id in listed if clip_id in clips]
    if not available:
        raise InputError(f'{source}: none of the {len(listed)} clips of the lists is there ({listed[0]} for instance); '
                         f'{len(clips)} others are ({min(clips)} ...). Name the folder of the data set that the lists '
                         'belong to.')
    with writing_into(out, _logger):
        decided = decide_faces(out, source, available, wanted.faces, wanted.make_detector)
        preparation = ClipPreparation(out, decided.get('frames') == 'crop', decided.get('videos') == 'crop',
                                      wanted.make_detector)
        prepared = prepare_clips(preparation, available, workers)
        failures = [Failure(printable(folder.name), printable(folder), 'folder', reason)
                    for folder, reason in found.unreadable.items()]
        failures += [Failure(clip_id, str(source), 'source', 'in the lists, but neither a video nor a folder of frames '
                             'is there') for clip_id in listed if clip_id not in clips]
        failures += [clip.failure for clip in prepared.values() if clip.failure]
        ready = {clip_id: clip for clip_id, clip in sorted(prepared.items()) if clip.failure is None}
        cells = {clip_id: (list_cell(clip.frames, out), list_cell(clip.audio, out)) for clip_id, clip in ready.items()}
        written = []
        for (fold, split), rows in folds.items() if ready else ():
            written.append(out / fold_list(fold, split, wanted.kind))
            write_csv(written[-1], ('frames', 'audio', 'label'),
                      ((*cells[clip_id], row.label) for clip_id, row in rows.items() if clip_id in cells))
        report = PreparationReport(
            tuple(written), len(listed), sum(clip.audio is not None for clip in ready.values()),
            without_audio=tuple(clip_id for clip_id, clip in ready.items() if clip.audio is None),
            cropped=sum(preparation.crops(clips[clip_id]) for clip_id in ready),
            failures=tuple(sorted(failures, key=lambda failure: failure.clip_id)),
            unlisted=tuple(sorted(set(clips) - set(listed))), unused=found.describe_unused())
        write_failures(out, report.failures, [
            *((clip_id, 'no audio: listed with an empty audio cell') for clip_id in report.without_audio),
            *((clip_id, 'in no list: not prepared') for clip_id in report.unlisted)])
    return report
