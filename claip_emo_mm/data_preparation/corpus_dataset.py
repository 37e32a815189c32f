"""A described data set: from its download to prepared clips and the lists of its folds or splits."""
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from claip_emo_mm.data_preparation.archives import archive_of, unpack
from claip_emo_mm.data_preparation.clips import (
    ClipPreparation,
    Failure,
    PreparedClip,
    list_cell,
    prepare_clips,
    write_failures,
)
from claip_emo_mm.data_preparation.corpus_scan import CorpusFiles, scan_corpus
from claip_emo_mm.data_preparation.crop_policy import decide_faces
from claip_emo_mm.data_preparation.official_dataset import PreparationReport, check_out
from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.datasets.annotations import read_header, read_list_text, read_table
from claip_emo_mm.datasets.corpora import Corpus, LabelTable, NamedClip
from claip_emo_mm.datasets.labels import CREMAD
from claip_emo_mm.datasets.votes import OWNERS_FILE, VOTES_FILE, read_owners_votes, write_votes
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.detector import FaceDetector, default_detector
from claip_emo_mm.utils.io import PART_SUFFIX, write_csv, write_json, writing_into

CORPUS_FILE = 'corpus.json'  # what a prepared folder holds: whose folds, how many clips, license
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CorpusSet:
    """What to prepare, and how."""
    corpus: Corpus
    source: Path  # folder of the download: zips or unpacked
    out: Path  # folder for `frames/`, `audio/`, `lists/` and the reports; not the source, nor around it
    faces: str = 'crop'  # 'keep' for videos that show faces already, or 'auto', see `decide_faces`
    make_detector: Callable[[], FaceDetector] = default_detector  # makes the face detector, once in each process


@dataclass(frozen=True)
class CorpusPreparation(ClipPreparation):
    """Prepares clips whose files may be in archives; all audio is copied to `out/audio`, mono and 16 kHz."""
    copy_audio: bool = True

    def __call__(self, clip: ClipSource) -> PreparedClip:
        """Make what is missing of the clip, from files that are unpacked for as long."""
        found = next(filter(None, (archive_of(path) for path in (clip.video, clip.audio) if path)), None)
        if found is None:
            return super().__call__(clip)
        folder = found[0].parent
        with TemporaryDirectory(dir=self.out / 'audio', suffix=PART_SUFFIX) as name:
            try:
                unpacked = replace(clip, video=unpack(clip.video, Path(name)),
                                   audio=clip.audio and unpack(clip.audio, Path(name)))
            except InputError as error:
                return PreparedClip(clip.clip_id, failure=Failure(clip.clip_id, str(clip.video), 'source', str(error)))
            prepared = super().__call__(unpacked)
        failure = prepared.failure
        if failure is not None:  # names the files of the download
            file, reason = (text.replace(name, str(folder)) for text in (failure.file, failure.reason))
            prepared = replace(prepared, failure=replace(failure, file=file, reason=reason))
        return prepared


def prepare_corpus(wanted: CorpusSet, workers: int = 1) -> PreparationReport:
    """Prepare a data set, or what is still missing of it.

    Lists have the columns frames, audio and label, see `read_annotation_list`. Clips that cannot be prepared are
    excluded from them and named in `failures.csv`; what was left out on purpose, with its reason, in `notes.csv`.

    Raises:
        InputError: the source is not as it must be, or the results cannot be written.
    """
    corpus, out = wanted.corpus, wanted.out
    check_out(out, wanted.source)
    found = scan_corpus(corpus, wanted.source, out)
    clips, unlisted = (found.clips, []) if corpus.table is None else _label(corpus, corpus.table, found, wanted.source)
    lists = corpus.lists(clips.values())
    sources = [found.sources[clip_id] for clip_id in sorted(clips) if clip_id in found.sources]
    with writing_into(out, _logger):
        crops = decide_faces(out, wanted.source, sources, wanted.faces, wanted.make_detector).get('videos') == 'crop'
        prepared = prepare_clips(CorpusPreparation(out, crops, crops, wanted.make_detector), sources, workers)
        failures = [*found.failures, *(clip.failure for clip in prepared.values() if clip.failure)]
        ready = {clip_id: clip for clip_id, clip in sorted(prepared.items()) if clip.failure is None}
        cells = {clip_id: (list_cell(clip.frames, out), list_cell(clip.audio, out)) for clip_id, clip in ready.items()}
        for path, named in lists.items() if ready else ():
            write_csv(out / path, ('frames', 'audio', 'label'),
                      ((*cells[clip.clip_id], clip.label) for clip in named if clip.clip_id in cells))
        if corpus.name == CREMAD.name and OWNERS_FILE in found.tables:
            votes = read_owners_votes(found.tables[OWNERS_FILE])
            write_votes(out / VOTES_FILE, {clip_id: votes[clip_id] for clip_id in ready if clip_id in votes},
                        corpus.schema.classes)
        write_json(out / CORPUS_FILE, dict(name=corpus.schema.name, title=corpus.schema.title, protocol=corpus.protocol,
                                           clips=len(ready), classes=corpus.schema.classes, license=corpus.license,
                                           address=corpus.address))
        report = PreparationReport(
            tuple(out / path for path in lists) if ready else (), len(clips),
            sum(clip.audio is not None for clip in ready.values()),
            without_audio=tuple(clip_id for clip_id, clip in ready.items() if clip.audio is None),
            cropped=len(ready) if crops else 0,
            failures=tuple(sorted(failures, key=lambda failure: failure.clip_id)), unlisted=tuple(unlisted),
            unused=found.describe_unused(), excluded=tuple(name for name, _ in found.excluded))
        write_failures(out, report.failures, [
            *found.excluded, *((clip_id, 'no audio: listed with an empty audio cell')
                               for clip_id in report.without_audio),
            *((clip_id, 'in no list: not prepared') for clip_id in unlisted), *found.notes,
            *((file, 'named like no clip of the set: not used') for file in found.unused)])
    return report


def _label(corpus: Corpus, table: LabelTable, found: CorpusFiles,
           source: Path) -> tuple[dict[str, NamedClip], list[str]]:
    """Label the clips by the owners' tables; clips of these without a file become failures.

    Returns: labelled clips, and the ids of clips that are in no table.
    """
    clips = {}
    for split, name in table.files.items():
        if name not in found.tables:
            raise InputError(f'{source}: {name} is not in it, which says the emotions of the {split} split. Put it '
                             f'there; it is had from {table.address}.')
        for clip_id, label in _read_table(found.tables[name], table, corpus).items():
            of_split = f'{split}_{clip_id}'
            clips[of_split] = NamedClip(of_split, label, split=split)
            if of_split in found.clips or of_split in found.excluded_clips:
                continue
            if of_split in table.missing:
                found.notes.append((of_split, f'in {name}, but the download has no video ({table.missing[of_split]})'))
            else:
                found.failures.append(Failure(of_split, str(source), 'source',
                                              f'in {name}, but its video is not there'))
    return clips, sorted(set(found.clips) - set(clips))


def _read_table(path: Path, table: LabelTable, corpus: Corpus) -> dict[str, str]:
    """Read the class of each clip."""
    text = read_list_text(path, ('utf-8', 'cp1252'))
    header, _, _ = read_header(text)
    labels = {}
    for line, cells in read_table(text, path):
        row = dict(zip(header, cells, strict=True))
        try:
            labels[table.clip.format_map(row)] = corpus.schema.classes[corpus.schema.label(row[table.label])]
        except KeyError as error:
            raise InputError(f'{path}: columns {", ".join(header)} found, {error} missing. It is had from '
                             f'{table.address}.') from error
        except InputError as error:
            raise InputError(f'{path}:{line}: {error}') from error
    return labels
