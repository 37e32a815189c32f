"""The shipped text encoders: drawn faces and voices are told apart by sentences, with nothing trained."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from claip_emo_mm.apis.zero_shot import build_zero_shot, describe_zero_shot
from claip_emo_mm.datasets import DFEW
from claip_emo_mm.datasets.labels import emotion_words
from claip_emo_mm.errors import InputError
from claip_emo_mm.models import LanguageHead
from claip_emo_mm.models.weights.load import read_weights
from claip_emo_mm.toy.captioned import CaptionedSettings, _speak
from claip_emo_mm.toy.captions import VOCABULARY
from claip_emo_mm.toy.clips import EMOTION_GROUPS, FACE_GROUPS, VOICE_GROUPS
from claip_emo_mm.toy.face import FaceCanvas
from claip_emo_mm.toy.identities import FaceIdentity, identity_stream

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / 'claip_emo_mm' / 'weights'
PROMPTS = Config.fromfile(ROOT / 'configs' / '_base_' / 'models' / 'claip_emo_tiny_prompts.py')


def test_no_emotion_was_ever_a_word() -> None:
    for name in ('toy_clip_text', 'toy_clap_text'):
        words = bytes(read_weights(WEIGHTS / f'{name}.safetensors')['vocabulary'].tolist()).decode().split()
        assert tuple(words) == VOCABULARY
    emotions = {word for name in DFEW.classes for word in (name, *emotion_words(name))}
    prompts = [*PROMPTS.faces.values(), *PROMPTS.voices.values()]
    said = ' '.join(sentence for sentences in prompts for sentence in sentences)
    assert not emotions & {*VOCABULARY, *said.split()} and {*said.split()} <= {*VOCABULARY}


def test_all_weights_of_the_package_are_small() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.glob('*.safetensors')) < 10e6


def test_unseen_faces_are_told_apart_by_sentences() -> None:
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = build_zero_shot(arch='toy').model
    frames, groups = [], []
    for index in range(12):
        canvas = FaceCanvas(FaceIdentity.sample(identity_stream(0, 'test', index)), 64)
        for group, controls in FACE_GROUPS.items():
            frames.append(canvas.draw(controls))
            groups.append(group)
    pixels = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        logits = model(dict(frames=model.data_preprocessor.normalize(pixels.float())[:, None]))
    found = [EMOTION_GROUPS[DFEW.classes[index]][0] for index in logits.argmax(1).tolist()]
    assert np.mean([one == other for one, other in zip(found, groups, strict=True)]) > .8  # chance: at most 2/7


def test_voices_of_other_pitch_are_told_apart_by_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = build_zero_shot(arch='toy', audio=True).model
        assert model.cls_head.audio is not None and model.cls_head.visual is not None
    found, groups = [], []
    for group, prosody in VOICE_GROUPS.items():
        monkeypatch.setattr('claip_emo_mm.toy.captioned.Prosody.sample', lambda rng, prosody=prosody: prosody)
        mel, _ = _speak(CaptionedSettings('voices', 1, 8, seed=5), 0)
        with torch.inference_mode():
            feature = model.audio_neck(model.audio_backbone(torch.from_numpy(mel).float()[:, None]))
            logits = model.cls_head.audio(feature)
        found += [EMOTION_GROUPS[DFEW.classes[index]][1] for index in logits.argmax(1).tolist()]
        groups += [group] * len(mel)
    assert np.mean([one == other for one, other in zip(found, groups, strict=True)]) > .6  # chance: about 1/3


def test_other_words_than_those_of_the_captions_are_refused() -> None:
    cfg = dict(num_classes=1, visual_channels=128, classes=['a'], arch=PROMPTS.text_arch.to_dict(), pretrained='toy')
    with pytest.raises(InputError, match="'a happy face': the toy text encoder does not know happy, face. Its 86"):
        LanguageHead(**cfg, prompts=dict(a='a happy face')).init_weights()
    with pytest.raises(InputError, match='has 6 words; the toy text encoder reads 5'):
        LanguageHead(**cfg, prompts=dict(a='eyes wide eyes wide eyes wide')).init_weights()
    with DefaultScope.overwrite_default_scope('mmaction'):
        assert MODELS.build(dict(type='LanguageHead', **cfg, prompts=dict(a='eyes wide'))).visual.embed is not None
    assert 'The toy encoders know drawn faces and voices alone' in describe_zero_shot(Config.fromfile(
        ROOT / 'configs' / 'claip_emo_tiny_toy_zero_shot.py'))
