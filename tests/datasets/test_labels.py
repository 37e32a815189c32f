import dataclasses

import pytest

from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND, OTHER_MAFW_ORDER, get_schema
from claip_emo_mm.errors import InputError


def test_dfew_has_the_authors_order() -> None:
    assert get_schema('dfew') is DFEW
    assert DFEW.classes == ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear')
    with pytest.raises(dataclasses.FrozenInstanceError):
        DFEW.name = 'other'


def test_mafw_has_the_authors_order(shared) -> None:
    """The number of the audiovisual lists and the name of the official ones, clip by clip."""
    lists = shared / 'annotations' / 'MAFW'
    for schema, kind, numbers in ((MAFW, 'single', 'single'), (MAFW_COMPOUND, 'compound', 'compound/no_caption')):
        names = dict(row.split() for row in (lists / kind / 'no_caption/set_2/train.txt').read_text().splitlines())
        for row in (lists / 'audio_visual' / numbers / 'split02/train.csv').read_text().splitlines():
            frames, _, number = row.split()
            assert schema.classes[int(number)] == names[f'{frames[-5:]}.mp4']
        assert set(names.values()) == set(schema.classes)


def test_sizes() -> None:
    assert [len(get_schema(name).classes) for name in ('dfew', 'mafw', 'mafw_compound')] == [7, 11, 43]
    assert len(set(MAFW_COMPOUND.classes)) == 43
    assert MAFW_COMPOUND.classes[:11] == MAFW.classes


@pytest.mark.parametrize(('schema', 'name', 'label'), [
    (DFEW, 'happy', 0), (DFEW, 'Happiness', 0), (DFEW, 'ANGER', 3), (DFEW, 'Fear ', 6), (MAFW, 'happy', 3),
    (MAFW, 'Disappointed', 10), (MAFW_COMPOUND, 'disgust_anger', 11), (MAFW_COMPOUND, 'Anxiety & Helplessness', 12),
    (MAFW_COMPOUND, 'helpless, sad and disappointed', 23)])
def test_synonyms_of_a_class(schema, name: str, label: int) -> None:
    assert schema.label(name) == label


def test_no_such_class() -> None:
    with pytest.raises(InputError, match="'contempt' is no class of DFEW; expected one of happy, sad"):
        DFEW.label('contempt')
    with pytest.raises(InputError, match="'anger_disgust' is no class of MAFW single"):
        MAFW.label('anger_disgust')


def test_maps_between_the_schemas() -> None:
    assert MAFW.map_to(DFEW) == (3, 5, 6, 0, 2, 1, 4, None, None, None, None)
    assert DFEW.map_to(MAFW) == (3, 5, 4, 0, 6, 1, 2)
    assert MAFW_COMPOUND.map_to(DFEW) == (*MAFW.map_to(DFEW), *(None,) * 32)
    assert MAFW_COMPOUND.map_to(MAFW)[:12] == (*range(11), None)


def test_the_other_order_has_each_class_once() -> None:
    assert [MAFW.classes.index(name) for name in OTHER_MAFW_ORDER] == [3, 5, 4, 0, 6, 1, 2, 7, 8, 9, 10]


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(InputError, match="'defw' is not known: there is .*dfew"):
        get_schema('defw')
