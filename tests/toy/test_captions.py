from dataclasses import replace

import numpy as np
import pytest

from claip_emo_mm.datasets.labels import DFEW
from claip_emo_mm.toy.captions import VOCABULARY, describe_face, describe_voice
from claip_emo_mm.toy.face import FaceControls
from claip_emo_mm.toy.identities import FaceIdentity
from claip_emo_mm.toy.voice import Prosody, VoiceIdentity

# Beginnings of words that name a feeling or say that there is one
FEELINGS = (
    'afraid', 'aggress', 'alarm', 'amaz', 'amus', 'anger', 'angr', 'anguish', 'annoy', 'anxi', 'astonish', 'aversi',
    'bored', 'calm', 'cheer', 'content', 'cry', 'delight', 'depress', 'despair', 'disappoint', 'dislik', 'emotion',
    'excit', 'fright', 'frown', 'furi', 'glad', 'gloom', 'grief', 'grim', 'grin', 'hate', 'horror', 'hostil', 'irritat',
    'joy', 'laugh', 'mad', 'melanchol', 'miser', 'mood', 'nausea', 'nervous', 'neutral', 'panic', 'pleas', 'rage',
    'repuls', 'revolt', 'scar', 'scowl', 'serious', 'shock', 'smil', 'sneer', 'sob', 'sorrow', 'startl', 'tearful',
    'terr', 'threat', 'unhapp', 'upset', 'weep', 'worr', 'wrath')


REST = FaceControls()


def face_caption(seed: int, controls: FaceControls = REST, talk: float = 0., blink: float = 0.) -> tuple[str, ...]:
    return describe_face(FaceIdentity.sample(np.random.default_rng(seed)), controls, talk, blink)


def test_no_word_names_a_feeling() -> None:
    assert not [word for word in VOCABULARY if word.startswith((*DFEW.classes, *FEELINGS))]


def test_vocabulary_is_small_sorted_and_plain() -> None:
    assert list(VOCABULARY) == sorted(set(VOCABULARY))
    assert len(VOCABULARY) <= 200
    assert all(word.isalpha() and word.islower() for word in VOCABULARY)


def test_captions_use_the_vocabulary_and_all_of_it() -> None:
    used = set()
    for seed in range(1500):
        rng = np.random.default_rng(seed)
        face = describe_face(FaceIdentity.sample(rng), FaceControls.sample(rng), rng.random(), rng.random())
        voice = describe_voice(VoiceIdentity.sample(rng), Prosody.sample(rng))
        assert len(set(face)) == 15 and len(set(voice)) == 6
        used |= {word for phrase in face + voice for word in phrase.split(' ')}
    assert used == set(VOCABULARY)


@pytest.mark.parametrize(('controls', 'phrase'), [
    ({'brow_inner': .9}, 'inner brows strongly raised'),
    ({'brow_inner': .9}, 'line across forehead'),
    ({'brow_inner': -.4}, 'inner brows slightly lowered'),
    ({'brow_inner': -.4}, 'crease between brows'),
    ({'brow_outer': -.3}, 'outer brows slightly lowered'),
    ({'lid': .5}, 'eyes very wide'),
    ({'corner': -.7}, 'mouth corners strongly lowered'),
    ({'corner': .1}, 'mouth corners level'),
    ({'open': .9}, 'mouth wide open'),
    ({'wide': -.4}, 'mouth very short'),
    ({'lip_up': .5}, 'upper lip strongly raised'),
    ({'wrinkle': 1}, 'nose strongly wrinkled'),
    ({'wrinkle': -.3}, 'nose smooth')])
def test_faces_are_described_as_drawn(controls: dict[str, float], phrase: str) -> None:
    assert phrase in face_caption(0, FaceControls(**controls))


def test_speech_and_blinks_are_seen() -> None:
    assert 'mouth closed' in face_caption(0)
    assert 'mouth open' in face_caption(0, talk=.7)
    assert 'eyes shut' in face_caption(0, blink=.9)


@pytest.mark.parametrize('control', FaceControls._fields)
def test_each_control_has_five_grades(control: str) -> None:
    values = np.linspace(-1, 1, 81)
    captions = [face_caption(3, FaceControls(**{control: value})) for value in values]
    foreheads = {'line across forehead', 'crease between brows', 'forehead smooth'}
    assert len({tuple(phrase for phrase in caption if phrase not in foreheads) for caption in captions}) == 5


def test_looks_are_said() -> None:
    identity = replace(FaceIdentity.sample(np.random.default_rng(0)), glasses=True, beard=False, hair_style='curly')
    caption = describe_face(identity, REST)
    assert {'with glasses', 'without beard', f'curly {identity.hair.name} hair', f'{identity.skin.name} skin',
            f'{identity.shirt.name} shirt', f'{identity.background.name} background'} <= set(caption)


@pytest.mark.parametrize(('prosody', 'phrase'), [
    (Prosody(pitch=1.4), 'very high pitch'), (Prosody(pitch=.85), 'low pitch'), (Prosody(), 'middle pitch'),
    (Prosody(pace=1.28), 'very fast pace'), (Prosody(pace=.85), 'slow pace'),
    (Prosody(melody=.25), 'very flat melody'), (Prosody(melody=1.5), 'lively melody'),
    (Prosody(loudness=.3), 'very quiet'), (Prosody(loudness=.8), 'loud')])
def test_voices_are_described_as_spoken(prosody: Prosody, phrase: str) -> None:
    rng = np.random.default_rng(0)
    assert phrase in describe_voice(VoiceIdentity.sample(rng), prosody)


def test_the_speaker_is_named() -> None:
    assert describe_voice(VoiceIdentity(True, 200., 1.2, .01), Prosody())[4:] == (
        'bright voice of a woman', 'clear sound')
    assert describe_voice(VoiceIdentity(False, 110., 1., .025), Prosody())[4:] == (
        'deep voice of a man', 'breathy sound')
