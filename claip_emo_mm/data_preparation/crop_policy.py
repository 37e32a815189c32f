"""Whether the faces of a data set are to be cropped: said by the user, known from an earlier run, or measured."""
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.crop import face_ratio, ratio_of_face_frames
from claip_emo_mm.faces.detector import FaceDetector
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.utils.io import write_text

SETTINGS_FILE = 'preparation.json'
FACES = ('auto', 'crop', 'keep')

_SAMPLED_CLIPS, _SAMPLED_FRAMES = 24, 3
_AGREEING = .7  # of the sampled clips, at least
_TITLES = {'frames': 'frame folders', 'videos': 'videos'}
_logger = logging.getLogger(__name__)


def decide_faces(out: Path, source: Path, clips: Sequence[ClipSource], faces: str,
                 make_finder: Callable[[], FaceDetector]) -> dict[str, str]:
    """Decide what happens to the faces in frame folders and in videos, and keep the decision beside the results.

    A run that goes on with what is missing takes the decision of the first one, so that no set is half cropped.

    Args:
        out: folder of the results.
        source: folder of the distribution.
        clips: the clips to prepare.
        faces: 'crop', 'keep', or 'auto' to sample clips and look whether a face fills their frames.
        make_finder: makes a face finder, where one is needed.
    Returns: 'crop' or 'keep' for 'frames' and for 'videos', where the clips have these.
    Raises:
        InputError: `out` holds something else or was made otherwise, the sampled clips do not tell, or the face finder
            is not installed.
    """
    if faces not in FACES:
        raise InputError(f'--faces {faces}: expected {", ".join(FACES)}.')
    settings = {'source': Path(os.path.relpath(source.resolve(), out.resolve())).as_posix(), 'faces': {}}
    found = _read_settings(out)
    if found is not None:
        if found.get('source') != settings['source'] or not isinstance(found.get('faces'), dict):
            raise InputError(f'{out / SETTINGS_FILE}: the folder was made from {found.get("source")}, wanted '
                             f'{settings["source"]} (relative to {out}). Choose another folder with --out, or delete '
                             'this one.')
        settings = found
    decided: dict[str, str] = settings['faces']
    kinds = {kind: [clip for clip in clips if (clip.frames is not None) is (kind == 'frames')] for kind in _TITLES}
    for kind, members in kinds.items():
        if not members:
            continue
        if decided.get(kind, faces) != faces and faces != 'auto':
            raise InputError(f'{out / SETTINGS_FILE}: {_TITLES[kind]} were prepared with --faces {decided[kind]} '
                             f'before, now --faces {faces}. Choose another folder with --out, or delete this one.')
        if kind not in decided:
            decided[kind] = _measure(kind, members, make_finder) if faces == 'auto' else faces
    if 'crop' in (decided[kind] for kind, members in kinds.items() if members):
        make_finder()  # complains before the work begins
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / SETTINGS_FILE, json.dumps(settings, indent=2) + '\n')
    return {kind: decided[kind] for kind, members in kinds.items() if members}


def _read_settings(out: Path) -> dict | None:
    """Return the settings of the set in `out`, None if the folder is new or empty."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    path = out / SETTINGS_FILE
    if not path.is_file():
        raise InputError(f'{out}: holds something that was not prepared from a distribution ({SETTINGS_FILE} is not '
                         'there). Choose another folder with --out.')
    try:
        settings = json.loads(path.read_text(encoding='utf-8'))
    except ValueError:
        settings = None
    return settings if isinstance(settings, dict) else {}


def _measure(kind: str, clips: Sequence[ClipSource], make_finder: Callable[[], FaceDetector]) -> str:
    finder = make_finder()
    chosen = np.unique(np.linspace(0, len(clips) - 1, min(len(clips), _SAMPLED_CLIPS)).round().astype(int))
    ratios = [_ratio_of(clips[index], finder) for index in chosen]
    known = sum(ratio is not None for ratio in ratios)
    of_faces = ratio_of_face_frames(ratios)
    title = _TITLES[kind]
    remedy = 'Look at some, and say what they are: --faces keep (faces already) or --faces crop (scenes).'
    if of_faces is None:
        raise InputError(f'No face found in any of {len(ratios)} sampled {title}, {_place(clips[chosen[0]])} for '
                         f'instance. {remedy}')
    if 1 - _AGREEING < of_faces < _AGREEING:
        raise InputError(f'{round(of_faces * known)} of {known} sampled {title} show a face and little else, the '
                         f'others scenes. {remedy}')
    decision = 'keep' if of_faces >= _AGREEING else 'crop'
    _logger.info('Faces: %d of %d sampled %s show a face and little else (%d more show no face): %s (as --faces %s)',
                 round(of_faces * known), known, title, len(ratios) - known,
                 'used as they are' if decision == 'keep' else 'faces are cropped', decision)
    return decision


def _ratio_of(clip: ClipSource, finder: FaceDetector) -> float | None:
    try:
        reader = FrameFolder(str(clip.frames)) if clip.frames is not None else VideoFile(str(clip.video))
        places = np.linspace(0, reader.num_frames - 1, _SAMPLED_FRAMES + 2)[1:-1].round().astype(int)
        return face_ratio(list(reader.decode(np.unique(places))), finder)
    except InputError:  # it will be named when its turn comes
        return None


def _place(clip: ClipSource) -> Path | None:
    return clip.frames or clip.video
