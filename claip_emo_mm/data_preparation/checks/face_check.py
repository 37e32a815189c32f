"""Whether the pictures show faces, as the model expects, or scenes."""
from collections.abc import Iterator, Mapping

import numpy as np

from claip_emo_mm.apis.face_finder import FaceFinder
from claip_emo_mm.data_preparation.checks.checked_part import CheckedPart
from claip_emo_mm.data_preparation.checks.clip_facts import ClipFacts
from claip_emo_mm.data_preparation.checks.finding import ERROR, NOTE, WARNING, Finding
from claip_emo_mm.data_preparation.clip_preparation import UNUSABLE, reason
from claip_emo_mm.data_preparation.framing import FACE_SHARE, face_share, share_of_face_pictures
from claip_emo_mm.datasets.readers import FrameFolder, VideoFile

_SAMPLED_CLIPS, _SAMPLED_FRAMES = 24, 3
_FACES, _SCENES = .7, .3  # of the sampled clips


def check_faces(part: CheckedPart, facts: Mapping[tuple[str, str], ClipFacts], finder: FaceFinder) -> Iterator[Finding]:
    """Yield what a sample of a data set's clips shows in place of faces.

    Args:
        part: the data set.
        facts: files of a clip -> what was found in them.
        finder: finds faces.
    """
    readable = [clip for clip in part.clips
                if part.key(clip) in facts and not facts[part.key(clip)].picture_error and not clip.is_sound_alone]
    if not readable or not part.needs_pictures:
        return
    chosen = np.unique(np.linspace(0, len(readable) - 1, min(len(readable), _SAMPLED_CLIPS)).round().astype(int))
    shares, broken = {}, {}
    for index in chosen:
        path, name = part.key(readable[index])[0], readable[index].name
        try:
            clip = FrameFolder(path) if readable[index].frames else VideoFile(path)
            places = np.linspace(0, clip.num_frames - 1, _SAMPLED_FRAMES + 2)[1:-1].round().astype(int)
            shares[name] = face_share(list(clip.decode(np.unique(places))), finder)
        except UNUSABLE as error:  # in a frame that was not looked at before
            broken[name] = reason(path, error)
    if broken:
        yield Finding('unreadable pictures', ERROR, part.path, f'{len(broken)} of {len(chosen)} sampled clips: '
                      f'{next(iter(broken.values()))}', 'Look at all frames: --every-frame.', list(broken))
    if not shares:
        return
    of_faces = share_of_face_pictures(shares.values())
    if of_faces is None:
        yield Finding('faces', WARNING, part.path, f'no face found in any of {len(shares)} sampled clips',
                      'Look at some with tools/browse_data.py: the model expects faces.', list(shares))
        return
    scenes = [name for name, share in shares.items() if share is not None and share < FACE_SHARE]
    shown = f'{len(scenes)} of {len(shares)} sampled clips show more than a face'
    if of_faces < _FACES:
        yield Finding('faces', ERROR if of_faces < _SCENES else WARNING, part.path,
                      f'{shown}, {scenes[0]} for instance: the pictures are scenes, or crops that are too wide',
                      'Crop the faces: tools/prepare_data.py with --faces crop.', scenes)
    else:
        faces = sum(share is not None for share in shares.values()) - len(scenes)
        yield Finding('faces', NOTE, part.path,
                      f'{faces} of {len(shares)} sampled clips show a face and little else, {len(scenes)} a scene')
