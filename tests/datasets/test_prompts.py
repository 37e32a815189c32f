"""Prompts of the label schemas, of free words and of files."""
import re
from pathlib import Path

import pytest

from claip_emo_mm.datasets import DFEW, MAFW, MAFW_COMPOUND
from claip_emo_mm.datasets.labels import _SCHEMAS
from claip_emo_mm.datasets.prompts import class_names, class_prompts, face_prompts, read_prompts, voice_prompts
from claip_emo_mm.errors import InputError


def test_every_class_of_every_schema_is_described_by_its_face_and_voice() -> None:
    for schema in _SCHEMAS.values():
        for name in schema.classes:
            faces = ' '.join(face_prompts(name))
            assert re.search('brows|eye|gaze', faces) and re.search('mouth|lip|jaw', faces), name
            assert 'voice' in ' '.join(voice_prompts(name))
        prompts = class_prompts(schema.classes)
        assert len(set(prompts)) == len(schema.classes)


def test_synonyms_share_sentences_and_compounds_have_those_of_each() -> None:
    assert face_prompts('happy') == face_prompts('happiness') and 'smiling' in face_prompts('joy')[0]
    assert set(face_prompts('anger_disgust')) == {*face_prompts('anger'), *face_prompts('disgust')}
    assert len(class_prompts(MAFW_COMPOUND.classes)[MAFW_COMPOUND.classes.index('fear_surprise_anxiety')]) == 6
    assert all('in pain' in sentence for sentence in face_prompts('in pain'))
    assert face_prompts('not happy')[0] == 'a photo of the face of a person who is not happy'


def test_a_file_of_prompts(tmp_path: Path) -> None:
    path = tmp_path / 'words.txt'
    path.write_text('# mine\nbored: the eyelids half closed\n\nin pain: eyes shut: a grimace\nbored: a yawn\n', 'utf-8')
    assert read_prompts(path) == {'bored': ('the eyelids half closed', 'a yawn'), 'in pain': ('eyes shut: a grimace',)}
    assert class_prompts(['in pain', 'bored'], path) == (('eyes shut: a grimace',),
                                                         ('the eyelids half closed', 'a yawn'))
    assert class_prompts(['a'], dict(a='one')) == (('one',),)


@pytest.mark.parametrize(('content', 'message'), [
    (b'bored the eyelids', r"words.txt:1: 'bored the eyelids' is no prompt. Expected 'class: sentence'"),
    (b'a: b\nbored:\n', 'words.txt:2: '), (b'# nothing\n', 'holds no prompt'),
    (b'\xff\xfe\xff', 'is no text in UTF-8')])
def test_a_file_that_is_none_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / 'words.txt').write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_prompts(tmp_path / 'words.txt')
    with pytest.raises(InputError, match='gone.txt: cannot be read'):
        read_prompts(tmp_path / 'gone.txt')


def test_prompts_and_classes_must_fit() -> None:
    with pytest.raises(InputError, match="prompts: has no sentence for the class 'sad'. Found happy"):
        class_prompts(['happy', 'sad'], dict(happy='a'))
    with pytest.raises(InputError, match='prompts: has sentences for hapy, but the classes are happy'):
        class_prompts(['happy'], dict(happy='a', hapy='b'))
    assert class_names('dfew') == DFEW.classes and class_names('mafw') == MAFW.classes
    for classes in ([], ['a', 'a'], ['a', ' ']):
        with pytest.raises(InputError, match='labels: .*each once and not empty'):
            class_names(classes)
