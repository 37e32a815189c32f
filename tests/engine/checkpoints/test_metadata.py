"""What a checkpoint says of itself, as it is read back."""
import json

import pytest

from claip_emo_mm.engine.checkpoints import FORMAT, META_KEY, read_metadata
from claip_emo_mm.errors import InputError


def test_from_a_dict_and_from_json() -> None:
    facts = dict(format=FORMAT, version='9', config='{}', classes=['a'], front_end={}, model={}, backbones={},
                 trained_clips={})
    for said in (facts, json.dumps(facts)):
        assert read_metadata(dict(meta={META_KEY: said}, state_dict={}), 'a.pth') == facts
    assert read_metadata(dict(weight=1), 'a.pth') is None


def test_format_1_holds_whole_backbones() -> None:
    old = dict(format=1, version='0', config='{}', classes=['a'])
    assert read_metadata(dict(meta={META_KEY: old}), 'a.pth') == dict(old, backbones={}, front_end={}, model={},
                                                                        trained_clips={})


@pytest.mark.parametrize(('said', 'message'), [
    ('{', r'a\.pth: claip_emo_mm in its header is not json'),
    (dict(format=3, version='7'), 'format 3 .* claip_emo_mm 7'),
    ('[1]', 'written in format None')])
def test_damaged_or_later(said: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_metadata(dict(meta={META_KEY: said}), 'a.pth')
