"""Metadata of checkpoints, as it is read back."""
import json
from pathlib import Path

import pytest
import torch

from claip_emo_mm.engine.checkpoints import FORMAT, META_KEY, load_trained, read_metadata
from claip_emo_mm.errors import InputError
from claip_emo_mm.version import READABLE, __version__


def test_from_a_dict_and_from_json() -> None:
    metadata = dict(format=FORMAT, version='9', config='{}', classes=['a'], front_end={}, model={}, backbones={},
                    trained_clips={}, data=['a list'], calibration=dict(temperature=2.))
    for written in (metadata, json.dumps(metadata)):
        assert read_metadata(dict(meta={META_KEY: written}, state_dict={}), 'a.pth') == metadata
    assert read_metadata(dict(weight=1), 'a.pth') is None


def test_converted_weights_know_their_backbones_alone() -> None:
    written = dict(format=FORMAT, version='0', backbones={})
    assert read_metadata(dict(meta={META_KEY: written}), 'a.pth') == dict(
        written, config=None, classes=[], front_end={}, model={}, trained_clips={}, data=[], calibration={})


@pytest.mark.parametrize('old', [
    dict(format=1, version='0', config='{}', classes=['a']),
    dict(format=2, version='0', config='{}', classes=['a'], front_end={}, model={}, backbones={}, trained_clips={})])
def test_an_older_format_is_refused(tmp_path: Path, old: dict) -> None:
    assert READABLE == (FORMAT,) == (3,)
    path = tmp_path / 'old.pth'
    torch.save(dict(state_dict={}, meta={META_KEY: old}), path)
    with pytest.raises(InputError) as error:
        load_trained(str(path))
    assert str(error.value) == (
        f'{path}: has checkpoint format {old["format"]}, of claip_emo_mm 0; claip_emo_mm {__version__} expects format '
        '3. Train again, or keep the version that wrote it.')


@pytest.mark.parametrize(('written', 'message'), [
    ('{', r'a\.pth: claip_emo_mm in its header is not json'),
    (dict(format=4, version='7'), 'format 4, of claip_emo_mm 7'),
    ('[1]', 'has checkpoint format None'),
    (dict(format=FORMAT, classes='a'), 'classes in its metadata is damaged')])
def test_damaged_or_later(written: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_metadata(dict(meta={META_KEY: written}), 'a.pth')
