"""Talking toy faces with labels, made on the spot: a data set for which nothing needs to be downloaded."""
from .captioned import CaptionedDataset, CaptionedSettings, make_captioned_set
from .captions import VOCABULARY, describe_face, describe_voice
from .clips import EMOTION_GROUPS, ClipPlan, plan_clip, write_clip
from .dataset import DEFAULT_CLIPS, make_toy_set
from .face import FaceCanvas, FaceControls, render
from .identities import FaceIdentity, identity_stream
from .layouts import make_frame_tree, write_toy_folds
from .voice import SAMPLE_RATE_HZ, Prosody, VoiceIdentity, babble

__all__ = ['CaptionedDataset', 'CaptionedSettings', 'ClipPlan', 'DEFAULT_CLIPS', 'EMOTION_GROUPS', 'FaceCanvas',
           'FaceControls', 'FaceIdentity', 'Prosody', 'SAMPLE_RATE_HZ', 'VOCABULARY', 'VoiceIdentity', 'babble',
           'describe_face', 'describe_voice', 'identity_stream', 'make_captioned_set', 'make_frame_tree',
           'make_toy_set', 'plan_clip', 'render', 'write_clip', 'write_toy_folds']
