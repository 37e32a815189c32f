"""Captions of toy faces and voices, which name looks and prosody but never an emotion."""
import math
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from claip_emo_mm.toy.face import FaceControls
from claip_emo_mm.toy.identities import CLOTHS, HAIR_STYLES, HAIRS, SKINS, FaceIdentity
from claip_emo_mm.toy.voice import Prosody, VoiceIdentity

# Each scale: the five phrases from low to high, and the four values between them.
_Scale = tuple[tuple[str, str, str, str, str], tuple[float, float, float, float]]


def _moved(part: str, rest: str) -> tuple[str, str, str, str, str]:
    return (f'{part} strongly lowered', f'{part} slightly lowered', f'{part} {rest}', f'{part} slightly raised',
            f'{part} strongly raised')


_SIGNED = (-.6, -.2, .2, .6)
_INNER_BROWS: _Scale = (_moved('inner brows', 'level'), _SIGNED)
_OUTER_BROWS: _Scale = (_moved('outer brows', 'level'), _SIGNED)
_CORNERS: _Scale = (_moved('mouth corners', 'level'), _SIGNED)
_UPPER_LIP: _Scale = (_moved('upper lip', 'relaxed'), (-.3, -.1, .15, .4))
_LIDS: _Scale = (('eyes very narrow', 'eyes narrow', 'eyes normal', 'eyes wide', 'eyes very wide'),
                 (-.4, -.15, .15, .4))
_GAP: _Scale = (('mouth pressed', 'mouth closed', 'mouth slightly open', 'mouth open', 'mouth wide open'),
                (-.1, .15, .4, .75))  # the gap between the lips as a ratio of a dropped jaw
_WIDTH: _Scale = (('mouth very short', 'mouth short', 'mouth normal', 'mouth long', 'mouth very long'),
                  (-.3, -.1, .1, .3))
_WRINKLE: _Scale = (('nose smooth', 'nose faintly wrinkled', 'nose slightly wrinkled', 'nose wrinkled',
                     'nose strongly wrinkled'), (.1, .35, .6, .85))
_PITCH: _Scale = (('very low pitch', 'low pitch', 'middle pitch', 'high pitch', 'very high pitch'),
                  (-.4, -.13, .13, .4))  # octaves from the speaker's own pitch
_PACE: _Scale = (('very slow pace', 'slow pace', 'middle pace', 'fast pace', 'very fast pace'),
                 (-.35, -.12, .12, .35))  # octaves
_MELODY: _Scale = (('very flat melody', 'flat melody', 'moderate melody', 'lively melody', 'very lively melody'),
                   (.4, .8, 1.3, 1.8))
_LOUDNESS: _Scale = (('very quiet', 'quiet', 'medium loud', 'loud', 'very loud'), (.42, .58, .74, .88))

_FACE_SCALES = (_INNER_BROWS, _OUTER_BROWS, _CORNERS, _UPPER_LIP, _LIDS, _GAP, _WIDTH, _WRINKLE)
_VOICE_SCALES = (_PITCH, _PACE, _MELODY, _LOUDNESS)
_FOREHEADS = ('forehead smooth', 'crease between brows', 'line across forehead')
_EYES_SHUT = 'eyes shut'
_BEARDS = ('with beard', 'without beard')
_GLASSES = ('with glasses', 'without glasses')
_SPEAKERS = ('deep voice of a man', 'bright voice of a woman')
_TOUCHES = ('clear sound', 'breathy sound')

# Every word of a caption, sorted: a word's number depends on all others, so renaming one changes the pretraining.
VOCABULARY: tuple[str, ...] = tuple(sorted({
    word
    for phrase in (*(phrase for phrases, _ in (*_FACE_SCALES, *_VOICE_SCALES) for phrase in phrases), *_FOREHEADS,
                   _EYES_SHUT, *_BEARDS, *_GLASSES, *_SPEAKERS, *_TOUCHES, *HAIR_STYLES, *HAIRS, *SKINS, *CLOTHS,
                   'hair', 'skin', 'shirt', 'background')
    for word in phrase.split()}))


def describe_face(identity: FaceIdentity, controls: Sequence[float] | np.ndarray, talk: float = 0.,
                  blink: float = 0.) -> tuple[str, ...]:
    """Describe a frame in 15 phrases: the expression, then the looks. Arguments as in `FaceCanvas.draw`."""
    expression = FaceControls(*(float(value) for value in controls))
    return (
        _graded(_INNER_BROWS, expression.brow_inner), _graded(_OUTER_BROWS, expression.brow_outer),
        _FOREHEADS[1 if expression.brow_inner < -.3 else 2 if expression.brow_inner > .3 else 0],
        _EYES_SHUT if blink > .6 else _graded(_LIDS, expression.lid),
        _graded(_CORNERS, expression.corner), _graded(_GAP, expression.open + 11 / 13 * talk),
        _graded(_WIDTH, expression.wide), _graded(_UPPER_LIP, expression.lip_up),
        _graded(_WRINKLE, expression.wrinkle),
        f'{identity.skin.name} skin', f'{identity.hair_style} {identity.hair.name} hair',
        f'{identity.shirt.name} shirt', f'{identity.background.name} background',
        _GLASSES[0 if identity.glasses else 1], _BEARDS[0 if identity.beard else 1])


def describe_voice(voice: VoiceIdentity, prosody: Prosody) -> tuple[str, ...]:
    """Describe a voice in 6 phrases: the prosody, then the speaker."""
    return (
        _graded(_PITCH, math.log2(prosody.pitch)), _graded(_PACE, math.log2(prosody.pace)),
        _graded(_MELODY, prosody.melody), _graded(_LOUDNESS, prosody.loudness),
        _SPEAKERS[int(voice.female)], _TOUCHES[int(voice.breath > .019)])


def _graded(scale: _Scale, value: float) -> str:
    phrases, bounds = scale
    return phrases[bisect_right(bounds, value)]
