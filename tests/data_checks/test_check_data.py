"""The check of a whole set: nothing wrong, interrupted, corrected lists, no data."""
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from checked_tree import check
from mmengine.config import Config

from claip_emo_mm.data_checks import clip_probe
from claip_emo_mm.data_checks.check_data import check_data
from claip_emo_mm.data_checks.checked_split import NOTE
from claip_emo_mm.errors import InputError


def test_nothing_is_wrong(tree: Path, make_config) -> None:
    outcome = check(make_config(tree), tree)
    assert {issue.severity for issue in outcome.issues} == {NOTE}
    assert outcome.write_fixed_lists() == {}
    assert 'happy 2, sad 2, neutral 2' in next(issue.found for issue in outcome.issues)


def test_an_interrupted_check_goes_on(tree: Path, make_config, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    probe = clip_probe.probe_clip

    def stop_after_five(job):
        if len(looked_at) == 5:
            raise KeyboardInterrupt
        looked_at.append(job.frames)
        return probe(job)

    monkeypatch.setattr(clip_probe, 'probe_clip', stop_after_five)
    with pytest.raises(KeyboardInterrupt):
        check(make_config(tree), tree)
    monkeypatch.setattr(clip_probe, 'probe_clip', lambda job: looked_at.append(job.frames) or probe(job))
    check(make_config(tree), tree)
    assert len(looked_at) == len(set(looked_at)) == 21
    image = tree / 'frames/00001/00003.jpg'
    cv2.imwrite(str(image), np.zeros((8, 8, 3), np.uint8))
    check(make_config(tree), tree)
    assert looked_at[21:] == [str(tree / 'frames/00001')]


def test_corrected_lists_are_not_replaced_unasked(tree: Path, make_config) -> None:
    shutil.rmtree(tree / 'frames/00003')
    outcome = check(make_config(tree), tree)
    outcome.write_fixed_lists()
    with pytest.raises(InputError, match=r'fold1_train\.fixed\.csv: there is a corrected list already'):
        outcome.write_fixed_lists()
    assert len(outcome.write_fixed_lists(overwrite=True)) == 1


def test_a_config_without_data_of_ours() -> None:
    with pytest.raises(InputError, match='The config has no data set to check'):
        check_data(Config(dict(train_dataloader=dict(dataset=dict(type='VideoDataset')))), Path('clips.jsonl'))
