"""DFEW and MAFW, from the folder that their owners hand out to ready data."""
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from claip_emo_mm.data_preparation.clips import ClipPreparation, Failure, PreparedClip
from claip_emo_mm.data_preparation.crop_policy import decide_faces
from claip_emo_mm.data_preparation.fold_lists import FoldLists, read_fold_lists
from claip_emo_mm.data_preparation.report import PreparationReport
from claip_emo_mm.data_preparation.source_scan import ClipSource, Distribution, find_distribution
from claip_emo_mm.datasets.labels import LabelSchema
from claip_emo_mm.datasets.official_splits import fold_list
from claip_emo_mm.errors import InputError, printable
from claip_emo_mm.faces.detector import FaceDetector, SlimFaceDetector
from claip_emo_mm.utils.io import write_csv, writing_into
from claip_emo_mm.utils.parallel import run_parallel

# So many clips take about as long as starting a process.
_WORTH_A_WORKER = {'crop': 8, 'keep': 200}
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OfficialSet:
    """What to prepare, and how.

    Args:
        schema: classes of the data set.
        source: folder that the owners hand out; clips and lists are found in it by content.
        out: folder for `frames/`, `audio/`, `lists/`, `failures.csv` and `notes.csv`; not the source, nor around it.
        kind: 'single' or 'compound' where the data set has both.
        folds: numbers of the folds, from 1.
        faces: 'crop', 'keep', or 'auto', see `decide_faces`.
        lists, videos, frames, audio: folders in which to look for these, the source where they are None.
        first_number: number of the first class in lists that do not tell, see `read_official_list`.
        make_finder: makes the face finder, once in each process.
    """
    schema: LabelSchema
    source: Path
    out: Path
    kind: str = ''
    folds: tuple[int, ...] = (1, 2, 3, 4, 5)
    faces: str = 'auto'
    lists: Path | None = None
    videos: Path | None = None
    frames: Path | None = None
    audio: Path | None = None
    first_number: int | None = None
    make_finder: Callable[[], FaceDetector] = SlimFaceDetector


def prepare_official_dataset(wanted: OfficialSet, workers: int = 1) -> PreparationReport:
    """Prepare a data set, or what is still missing of it.

    Each list `lists/[kind/]fold1_train.csv` has the columns frames, audio and label (see `read_annotation_list`), with
    paths relative to `out`. Frame folders of faces and audio files are used where they lie. A clip that cannot be
    prepared is left out of the lists and named in `failures.csv`.

    Args:
        wanted: what to prepare.
        workers: processes at most.
    Raises:
        InputError: the source or its lists are not as they must be, or the results cannot be written.
    """
    out = wanted.out
    _check_folders(wanted.source, out)
    found = find_distribution(wanted.source, wanted.videos, wanted.frames, wanted.audio, left_out=[out])
    clips = found.clips()
    folds = _read_lists(wanted, found)
    listed = sorted({clip.clip_id for rows in folds.values() for clip in rows})
    there = [clips[clip_id] for clip_id in listed if clip_id in clips]
    if not there:
        raise InputError(f'{wanted.source}: none of the {len(listed)} clips of the lists is there ({listed[0]} for '
                         f'instance); {len(clips)} others are ({min(clips)} ...). Name the folder of the data set that '
                         'the lists belong to.')
    with writing_into(out, _logger):
        decided = decide_faces(out, wanted.source, there, wanted.faces, wanted.make_finder)
        preparation = ClipPreparation(out, decided.get('frames') == 'crop', decided.get('videos') == 'crop',
                                      wanted.make_finder)
        preparation.open_folder()
        prepared = prepare_clips(preparation, there, workers)
        report = _report(wanted, preparation, found, clips, listed, prepared, folds)
        report.write()
    return report


def _check_folders(source: Path, out: Path) -> None:
    here, there = out.resolve(), source.resolve()
    if there.is_relative_to(here):
        where = 'the same as' if here == there else 'around'
        raise InputError(f'{out}: the folder for the results is {where} the one of the distribution ({source}), whose '
                         'files must stay as they are. Choose another folder with --out.')


def _read_lists(wanted: OfficialSet, found: Distribution) -> FoldLists:
    root, paths = wanted.source, found.lists
    if wanted.lists is not None:
        root, paths = wanted.lists, find_distribution(wanted.lists).lists
    return read_fold_lists(root, paths, wanted.schema, wanted.folds, wanted.kind, wanted.first_number)


def prepare_clips(preparation: ClipPreparation, clips: list[ClipSource], workers: int) -> dict[str, PreparedClip]:
    """Make clips ready, or what is still missing of them; return what became of each, by its id."""
    ready = [clip for clip in clips if preparation.is_ready(clip)]
    prepared = {clip.clip_id: PreparedClip(clip.clip_id, preparation.frame_folder(clip), preparation.wav_file(clip))
                for clip in ready}
    missing = [clip for clip in clips if clip.clip_id not in prepared]
    if ready:
        _logger.info('%s: %d of %d clips are there already', preparation.out, len(ready), len(clips))
    crops = any(preparation.crops(clip) for clip in missing)
    with tqdm(total=len(clips), initial=len(ready), unit='clip', desc='clips', mininterval=.5,
              disable=not missing) as bar:
        def note(clip: PreparedClip) -> None:
            prepared[clip.clip_id] = clip
            bar.update()

        run_parallel(preparation, missing, workers, note, _WORTH_A_WORKER['crop' if crops else 'keep'])
    return prepared


def _report(wanted: OfficialSet, preparation: ClipPreparation, found: Distribution, clips: dict[str, ClipSource],
            listed: list[str], prepared: dict[str, PreparedClip], folds: FoldLists) -> PreparationReport:
    """Write the lists, and sum up."""
    failures = [Failure(printable(folder.name), printable(folder), 'folder', reason)
                for folder, reason in found.unreadable.items()]
    failures += [Failure(clip_id, str(wanted.source), 'source', 'in the lists, but neither a video nor a folder of '
                         'frames is there') for clip_id in listed if clip_id not in clips]
    failures += [clip.failure for clip in prepared.values() if clip.failure]
    ready = {clip_id: clip for clip_id, clip in sorted(prepared.items()) if clip.failure is None}
    media = {clip_id: tuple(_media(wanted.out.resolve(), clip)) for clip_id, clip in ready.items()}
    lists = []
    for (fold, split), rows in folds.items() if ready else ():
        path = wanted.out / fold_list(fold, split, wanted.kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = ((*media[row.clip_id], row.label) for row in rows if row.clip_id in media)
        write_csv(path, ('frames', 'audio', 'label'), cells)
        lists.append(path)
    return PreparationReport(
        out=wanted.out, lists=tuple(lists), listed=len(listed),
        with_audio=sum(clip.audio is not None for clip in ready.values()),
        without_audio=tuple(clip_id for clip_id, clip in ready.items() if clip.audio is None),
        cropped=sum(preparation.crops(clips[clip_id]) for clip_id in ready),
        failures=tuple(sorted(failures, key=lambda failure: failure.clip_id)),
        unlisted=tuple(sorted(set(clips) - set(listed))), unused=found.describe_unused())


def _media(out: Path, clip: PreparedClip) -> Iterable[str]:
    """Return the paths of the frames and the audio relative to `out`; '' where there is no audio."""
    for path in (clip.frames, clip.audio):
        yield '' if path is None else Path(os.path.relpath(path.resolve(), out)).as_posix()
