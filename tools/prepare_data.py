"""Prepare data sets: one subcommand per data set."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import argparse
import csv
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from claip_emo_cli.arguments import output_folder
from claip_emo_cli.choices import FACE_POLICIES, FAILURES_FILE, NOTES_FILE, NUM_FOLDS, TOY_CLIPS, TOY_FORMS

_CONFIG_DATA_ROOT = Path('data/toy')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    datasets = parser.add_subparsers(dest='dataset', required=True, metavar='DATASET')
    _add_toy(datasets.add_parser(
        'toy', help='make a toy set of drawn talking faces with a voice: seven emotions, nothing to download',
        description='Draw talking faces with a voice. The face alone tells four groups of the seven emotions apart, '
                    'the voice alone three, both together all seven. The splits share no face, '
                    'voice or utterance. An interrupted run resumes when it is started again.'))
    dfew = datasets.add_parser('dfew', **_descriptions('DFEW', '7 emotions'))
    _add_published(dfew, Path('data/dfew'))
    dfew.set_defaults(prepare=lambda args: _prepare_published(args, DFEW))
    mafw = datasets.add_parser('mafw', **_descriptions('MAFW', '11 emotions, or 43 with their combinations'))
    _add_published(mafw, Path('data/mafw'))
    mafw.add_argument('--classes', choices=('single', 'compound'), default='single',
                      help='which labels to list; the clips are the same files (default: %(default)s)')
    mafw.set_defaults(prepare=lambda args: _prepare_published(
        args, MAFW if args.classes == 'single' else MAFW_COMPOUND, args.classes))
    for name, title, describe in (
            ('cremad', 'CREMA-D (6 emotions)', lambda args: cremad(args.all_clips)),
            ('ravdess', 'RAVDESS (8 emotions, or 7 without calm)', lambda args: ravdess(args.classes, args.songs)),
            ('meld', 'MELD (7 emotions)', lambda args: meld(args.all_clips)),
            ('enterface05', 'eNTERFACE05 (6 emotions)', lambda args: enterface05()),
            ('savee', 'SAVEE (7 emotions)', lambda args: savee())):
        corpus = datasets.add_parser(name, **_corpus_descriptions(title))
        _add_corpus(corpus, Path('data', name), describe)
        if name in ('cremad', 'meld'):
            corpus.add_argument('--all-clips', action='store_true',
                                help='keep the clips that are known to be bad (default: leave them out, as '
                                     + ("HiCMAE does: 7,437 clips, not MAE-DFER's 7,442)" if name == 'cremad' else
                                        'their videos are not those of the utterances)'))
        if name == 'ravdess':
            corpus.add_argument('--classes', type=int, choices=(8, 7), default=8,
                                help='7 leaves calm out (default: %(default)s)')
            corpus.add_argument('--songs', action='store_true', help='take songs as well as speech')
    described = datasets.add_parser('described', **_corpus_descriptions('a data set of your own description'))
    described.add_argument('description', type=Path, metavar='FILE.py',
                           help='Python file that defines `corpus`: docs/tutorials/own_corpus.md')
    _add_corpus(described, Path('data/own'), lambda args: read_corpus(args.description))
    _add_folder(datasets.add_parser(
        'folder', help='lists and a config for videos of your own: a subfolder for each emotion',
        description='Prepare your own videos: SRC holds a subfolder of videos for each class, with the name of the '
                    'class. Writes train.csv, val.csv, test.csv and a config into the folder for the results. Faces '
                    'are cropped where the videos show scenes; videos of faces are not copied: do not move them. '
                    f'Clips that cannot be used are listed in {FAILURES_FILE}; the exit code is then 1. An '
                    'interrupted run resumes when it is started again.'))
    return parser.parse_args()


def _add_toy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--out', type=output_folder, default=_CONFIG_DATA_ROOT,
                        help='folder for the clips and their lists (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='the same seed makes the same clips (default: %(default)s)')
    parser.add_argument('--clips', type=int, nargs=3, default=TOY_CLIPS, metavar=('TRAIN', 'VAL', 'TEST'),
                        help='clips in each split, rounded up to whole people who show each emotion once '
                             f'(default: {" ".join(map(str, TOY_CLIPS))})')
    parser.add_argument('--folds', type=int, metavar='N',
                        help='also split the people of all splits into N folds, for tools/cross_validate.py')
    parser.add_argument('--workers', type=int, default=min(8, os.cpu_count() or 1),
                        help='processes at most (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace a toy set that was made with other settings')
    parser.add_argument('--form', choices=TOY_FORMS, help='instead make 60 clips in the form in which the owners of '
                                                      'another data set distribute it, to try its preparation')
    parser.set_defaults(prepare=lambda args: _prepare_toy(args))


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', type=Path, metavar='SRC', help='folder with a subfolder of videos for each class')
    parser.add_argument('--out', type=output_folder, default=Path('data/own'),
                        help='folder for the results; its name is that of the config (default: %(default)s)')
    parser.add_argument('--base', type=Path, default='claip_emo_vitb16_dfew.py', metavar='CONFIG',
                        help='config that says all the rest: a file, or the name of one of configs/ '
                             '(default: %(default)s)')
    parser.add_argument('--split', type=int, nargs=3, default=(70, 10, 20), metavar=('TRAIN', 'VAL', 'TEST'),
                        help='percent of the videos of each class (default: 70 10 20)')
    parser.add_argument('--speaker-regex', metavar='REGEX',
                        help="the person's name in a file name, such as '^([^_]+)_', or with a slash in "
                             "FOLDER/NAME, such as '^([^/]+)/': nobody is then in two splits")
    parser.add_argument('--seed', type=int, default=0, help='the same seed splits alike (default: %(default)s)')
    parser.add_argument('--faces', choices=FACE_POLICIES, default='auto',
                        help='crop: find faces and crop them; keep: the videos show faces already; auto: look at some '
                             '(default: %(default)s)')
    parser.add_argument('--workers', type=int, default=min(8, os.cpu_count() or 1),
                        help='processes at most (default: %(default)s)')
    parser.set_defaults(prepare=lambda args: _prepare_folder(args))


def _descriptions(title: str, classes: str) -> dict[str, str]:
    return dict(
        help=f'prepare {title} ({classes}) from the folder that its owners distribute',
        description=f'Prepare {title}: audio as wav (mono, 16 kHz), frames of faces (256 x 256, cropped where the '
                    'frames are scenes), and a list of each split of each fold. Videos (00001.mp4, 1.avi), frame '
                    'folders (00001/), audio files (1.wav) and published lists are found by content, however deep. '
                    'Frame folders of faces and audio files are not copied: do not move them. An interrupted run '
                    f'resumes when it is started again. Clips that cannot be prepared are listed in {FAILURES_FILE}; '
                    'the exit code is then 1.')


def _add_published(parser: argparse.ArgumentParser, out: Path) -> None:
    parser.add_argument('source', type=Path, metavar='SRC', help='folder into which the distribution was unpacked')
    parser.add_argument('--out', type=output_folder, default=out, help='folder for the results (default: %(default)s)')
    parser.add_argument('--faces', choices=FACE_POLICIES, default='auto',
                        help='crop: find faces and crop them; keep: the frames are faces already; auto: look at some '
                             'clips (default: %(default)s)')
    parser.add_argument('--folds', type=_folds, default=tuple(range(1, NUM_FOLDS + 1)), metavar='N|N-M|N,M',
                        help=f'folds to list and prepare (default: 1-{NUM_FOLDS})')
    for name, what in (('lists', 'published lists'), ('videos', 'videos'), ('frames', 'frame folders'),
                       ('audio', 'audio files')):
        parser.add_argument(f'--{name}', type=Path, metavar='DIR', help=f'where the {what} are (default: in SRC)')
    parser.add_argument('--label-offset', type=int, choices=(0, 1),
                        help='number of the first class, for short lists of numbers that do not tell')
    parser.add_argument('--workers', type=int, default=min(8, os.cpu_count() or 1),
                        help='processes at most (default: %(default)s)')


def _corpus_descriptions(title: str) -> dict[str, str]:
    return dict(
        help=f'prepare {title} from its download',
        description=f'Prepare {title}: frames of faces (256 x 256), audio as wav (mono, 16 kHz) from the best file of '
                    'each clip, and a list of each split. Clips are told by the names of their files, at any depth, '
                    'also in zips, which are not unpacked. Nothing of the download is used later. An interrupted run '
                    f'resumes when it is started again. Clips that cannot be prepared are listed in {FAILURES_FILE} '
                    f'(the exit code is then 1), what was left out on purpose in {NOTES_FILE}, each with the reason.')


def _add_corpus(parser: argparse.ArgumentParser, out: Path, describe: Callable[[argparse.Namespace], 'Corpus']) -> None:
    parser.add_argument('source', type=Path, metavar='DOWNLOAD', help='folder of the download, zips or unpacked')
    parser.add_argument('--out', type=output_folder, default=out, help='folder for the results (default: %(default)s)')
    parser.add_argument('--faces', choices=('crop', 'keep'), default='crop',
                        help='keep: the videos show faces already (default: %(default)s)')
    parser.add_argument('--workers', type=int, default=min(8, os.cpu_count() or 1),
                        help='processes at most (default: %(default)s)')
    parser.set_defaults(prepare=lambda args: _prepare_corpus(args, describe(args)))


def _folds(text: str) -> tuple[int, ...]:
    folds: set[int] = set()
    for item in text.split(','):
        first, _, last = item.partition('-')
        folds.update(range(int(first), int(last or first) + 1))
    if not folds or not folds <= set(range(1, NUM_FOLDS + 1)):
        raise argparse.ArgumentTypeError(f'{text}: expected folds from 1 to {NUM_FOLDS}, as 1-5 or 1,3')
    return tuple(sorted(folds))


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from claip_emo_mm.data_preparation import (
    CorpusSet,
    FolderSet,
    OfficialSet,
    PreparationReport,
    prepare_corpus,
    prepare_folder_dataset,
    prepare_official_dataset,
)
from claip_emo_mm.datasets.corpora import Corpus, read_corpus
from claip_emo_mm.datasets.known_corpora import cremad, enterface05, meld, ravdess, savee
from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND, LabelSchema
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import find_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.dataset import make_toy_set, write_toy_folds
from claip_emo_mm.toy.downloads import make_download

_CONFIG = 'configs/claip_emo_tiny_toy.py'
_FOLDS_CONFIG = 'configs/claip_emo_tiny_toy_folds.py'


def _prepare_toy(args: argparse.Namespace) -> None:
    if args.form is not None:
        make_download(args.form, args.out, args.workers)
        _say(f'Next: python tools/prepare_data.py {args.form} {args.out}')
        return
    lists = make_toy_set(args.out, args.seed, tuple(args.clips), args.workers, args.overwrite)
    _say(f'Toy set ready in {args.out}:')
    for split, path in lists.items():
        with path.open(encoding='utf-8', newline='') as file:
            people = [row['identity'] for row in csv.DictReader(file)]
        _say(f'  {split:5}  {len(people):4} clips of {len(set(people)):3} people   {path}')
    if args.folds is not None:
        written = write_toy_folds(args.out, args.folds)
        _say(f'  {args.folds} folds of the same people   {written[0].parent}')
    if args.out == _CONFIG_DATA_ROOT and args.folds is not None:
        _say(f'Next: python tools/cross_validate.py {_FOLDS_CONFIG} --folds 1-{args.folds}')
    elif args.out == _CONFIG_DATA_ROOT:
        _say(f'Next: python tools/train.py {_CONFIG}')
    else:
        _say(f'Next: set data_root to {args.out} in a copy of {_CONFIG}, and give the copy to tools/train.py')


def _prepare_folder(args: argparse.Namespace) -> None:
    base = find_config(args.base if args.base.is_file() else args.base.with_suffix('.py'))
    report = prepare_folder_dataset(FolderSet(args.source, args.out, base, tuple(args.split), args.seed,
                                              args.speaker_regex, args.faces),
                             args.workers)
    _say(f'{args.out}: {len(report.classes)} classes')
    for line in report.lines():
        _say(line)
    if report.unused:
        _say(f'Names: {args.out / NOTES_FILE}')
    if report.error():
        raise InputError(f'{args.out / FAILURES_FILE}: {report.error()}')
    _say(f'Next: python tools/train.py {report.config}')


def _prepare_corpus(args: argparse.Namespace, corpus: Corpus) -> None:
    report = prepare_corpus(CorpusSet(corpus, args.source, args.out, args.faces), args.workers)
    title = f'{corpus.schema.title} ({corpus.protocol})' if corpus.protocol else corpus.schema.title
    _say_report(title, report, args.out)


def _prepare_published(args: argparse.Namespace, schema: LabelSchema, kind: str = '') -> None:
    report = prepare_official_dataset(
        OfficialSet(schema, args.source, args.out, kind, args.folds, args.faces, args.lists, args.videos, args.frames,
                     args.audio, args.label_offset), args.workers)
    _say_report(schema.title, report, args.out)


def _say_report(title: str, report: PreparationReport, out: Path) -> None:
    if report.lists:
        _say(f'{title}: {len(report.lists)} lists in {report.lists[0].parent}, paths relative to {out}')
    for line in report.lines():
        _say(line)
    if report.without_audio or report.unlisted or report.excluded:
        _say(f'Names: {out / NOTES_FILE}')
    if report.failures:
        lists = 'the lists are without them' if report.lists else 'no lists were written'
        folders = f' and {len(report.folders)} folders cannot be read' if report.folders else ''
        clips = len(report.failures) - len(report.folders)
        raise InputError(f'{out / FAILURES_FILE}: {clips} of {report.listed} clips are not ready{folders}, with '
                         f'the reason for each; {lists}. Repair the files, and give the same command again.')


def _say(line: str) -> None:
    sys.stdout.write(f'{line}\n')


def main() -> None:
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    args = parse_args()
    args.prepare(args)


if __name__ == '__main__':
    run(main)
