"""Whether the faces of a data set are to be cropped: as the user says, as in an earlier run, or measured."""
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from claip_emo_mm.data_preparation.clips import list_cell
from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.crop import face_ratio, ratio_of_face_frames
from claip_emo_mm.faces.detector import FaceDetector
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.utils.io import read_settings, write_json

FACES = ('auto', 'crop', 'keep')

_SAMPLED_CLIPS, _SAMPLED_FRAMES = 24, 3
_AGREEING = .7  # of the sampled clips, at least
_TITLES = {'frames': 'frame folders', 'videos': 'videos'}
_logger = logging.getLogger(__name__)
T = TypeVar('T')


def decide_faces(out: Path, source: Path, clips: Sequence[ClipSource], faces: str,
                 make_detector: Callable[[], FaceDetector]) -> dict[str, str]:
    """Return 'crop' or 'keep' for 'frames' (folders) and for 'videos', where the clips have these.

    'auto' samples clips and measures whether a face fills their frames. `out` keeps the decision for later runs.
    """
    if faces not in FACES:
        raise InputError(f'--faces {faces}: expected {", ".join(FACES)}.')
    path = out / 'preparation.json'
    origin = list_cell(source, out)
    settings = read_settings(path, 'prepared data set')
    if settings is None:
        settings = dict(source=origin, faces={})
    elif settings.get('source') != origin or not isinstance(settings.get('faces'), dict):
        raise InputError(f'{path}: the folder was made from {settings.get("source")}, wanted {origin} (relative to '
                         f'{out}). Choose another folder with --out, or delete this one.')
    kinds = {kind: [clip for clip in clips if (clip.frames is not None) is (kind == 'frames')] for kind in _TITLES}
    kinds = {kind: members for kind, members in kinds.items() if members}
    decided: dict[str, str] = settings['faces']
    for kind, members in kinds.items():
        if faces not in ('auto', decided.get(kind, faces)):
            raise InputError(f'{path}: {_TITLES[kind]} were prepared with --faces {decided[kind]} before, now --faces '
                             f'{faces}. Choose another folder with --out, or delete this one.')
        if kind not in decided:
            decided[kind] = _measure(kind, members, make_detector()) if faces == 'auto' else faces
    if 'crop' in (decided[kind] for kind in kinds):
        make_detector()  # fails before the work begins
    write_json(path, settings)
    return {kind: decided[kind] for kind in kinds}


def _measure(kind: str, clips: Sequence[ClipSource], detector: FaceDetector) -> str:
    ratios: list[float | None] = []
    for clip in sample_clips(clips):
        try:
            reader = FrameFolder(str(clip.frames)) if clip.frames is not None else VideoFile(str(clip.video))
            ratios.append(clip_face_ratio(reader, detector))
        except InputError:  # its preparation reports it
            ratios.append(None)
    known = sum(ratio is not None for ratio in ratios)
    face_clips = ratio_of_face_frames(ratios)
    hint = 'Look at some, and say what they are: --faces keep (faces already) or --faces crop (scenes).'
    if face_clips is None:
        raise InputError(f'No face found in any of {len(ratios)} sampled {_TITLES[kind]}, '
                         f'{clips[0].frames or clips[0].video} for instance. {hint}')
    if 1 - _AGREEING < face_clips < _AGREEING:
        raise InputError(f'{round(face_clips * known)} of {known} sampled {_TITLES[kind]} show a face and little else, '
                         f'the others scenes. {hint}')
    decision = 'keep' if face_clips >= _AGREEING else 'crop'
    _logger.info('Faces: %d of %d sampled %s show a face and little else (%d more show no face): %s (as --faces %s)',
                 round(face_clips * known), known, _TITLES[kind], len(ratios) - known,
                 'used as they are' if decision == 'keep' else 'faces are cropped', decision)
    return decision


def sample_clips(clips: Sequence[T]) -> list[T]:
    """Take up to 24 clips, evenly spaced."""
    indices = np.linspace(0, len(clips) - 1, min(len(clips), _SAMPLED_CLIPS)).round().astype(int)
    return [clips[index] for index in np.unique(indices)]


def clip_face_ratio(clip: FrameFolder | VideoFile, detector: FaceDetector) -> float | None:
    """Measure `face_ratio` in three frames of a clip."""
    indices = np.linspace(0, clip.num_frames - 1, _SAMPLED_FRAMES + 2)[1:-1].round().astype(int)
    return face_ratio(list(clip.decode(np.unique(indices))), detector)
