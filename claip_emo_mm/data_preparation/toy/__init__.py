"""Talking toy faces with labels, made on the spot: a data set for which nothing needs to be downloaded."""
from .captioned_dataset import CaptionedDataset
from .captioned_set import CaptionedSettings, make_captioned_set
from .captions import VOCABULARY, describe_face, describe_voice
from .clips import EMOTION_GROUPS, ClipPlan, plan_clip, write_clip
from .face import FaceCanvas, FaceControls, render
from .face_identity import FaceIdentity
from .frame_tree import make_frame_tree
from .streams import identity_stream
from .toy_folds import write_toy_folds
from .toy_set import DEFAULT_CLIPS, make_toy_set
from .voice import SAMPLE_RATE_HZ, Prosody, VoiceIdentity, babble

__all__ = [
    'DEFAULT_CLIPS',
    'EMOTION_GROUPS',
    'SAMPLE_RATE_HZ',
    'VOCABULARY',
    'CaptionedDataset',
    'CaptionedSettings',
    'ClipPlan',
    'FaceCanvas',
    'FaceControls',
    'FaceIdentity',
    'Prosody',
    'VoiceIdentity',
    'babble',
    'describe_face',
    'describe_voice',
    'identity_stream',
    'make_captioned_set',
    'make_frame_tree',
    'make_toy_set',
    'plan_clip',
    'render',
    'write_clip',
    'write_toy_folds',
]
