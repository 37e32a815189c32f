import dataclasses

import pytest

from claip_emo_mm.datasets.label_schemas import DFEW, get_schema
from claip_emo_mm.errors import InputError


def test_dfew_has_the_authors_order() -> None:
    assert get_schema('dfew') is DFEW
    assert DFEW.classes == ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear')
    with pytest.raises(dataclasses.FrozenInstanceError):
        DFEW.name = 'other'


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(InputError, match="'defw' is not known: there is .*dfew"):
        get_schema('defw')
