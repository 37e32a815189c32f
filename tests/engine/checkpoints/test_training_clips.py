"""Clips that a checkpoint was trained on are known again, wherever they lie and whatever wraps them."""
import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from mmaction.registry import DATASETS
from mmengine.registry import DefaultScope

from claip_emo_mm.engine.checkpoints.training_clips import describe_overlap, find_trained, trained_clips
from claip_emo_mm.errors import InputError

CLASSES = ['calm', 'loud']
WRAPPERS = {
    'none': lambda inner: inner,
    'repeated': lambda inner: dict(type='RepeatDataset', times=3, dataset=inner),
    'after another': lambda inner: dict(type='ConcatDataset', datasets=[inner]),
    'named': lambda inner: dict(type='NamedConcatDataset', splits=dict(test=inner)),
}


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., dict]:
    """Writes a list of empty clips, every second of which is loud, and returns the config of its data set."""
    def write(root: str, *names: str, kind: str = 'AudioVisualDataset', **options: object) -> dict:
        folder = tmp_path / root
        (folder / 'lists').mkdir(parents=True, exist_ok=True)
        (folder / 'videos').mkdir(exist_ok=True)
        for name in names:
            (folder / 'videos' / f'{name}.mp4').touch()
        classes = options.get('classes', CLASSES)
        rows = [f'videos/{name}.mp4,{classes[int(name) % 2]}' for name in names]
        ann_file = 'lists/fold1_test.csv' if 'fold' in options else f'lists/{"_".join(names)}.csv'
        (folder / ann_file).write_text('\n'.join(['video,label', *rows, '']))
        options = options if 'fold' in options else dict(dict(ann_file=ann_file, classes=CLASSES), **options)
        options.pop('classes' if 'fold' in options else '', None)
        return dict(type=kind, data_root=str(folder), pipeline=[], test_mode=True, **options)
    return write


def build(cfg: dict) -> object:
    with DefaultScope.overwrite_default_scope('mmaction'):
        return DATASETS.build(cfg)


@pytest.mark.parametrize(('trained_in', 'tested_in'), zip(WRAPPERS, [*WRAPPERS][1:] + [*WRAPPERS][:1], strict=True))
def test_under_another_root_and_in_other_data_sets(listed: Callable[..., dict], trained_in: str,
                                                   tested_in: str) -> None:
    trained = trained_clips(build(WRAPPERS[trained_in](listed('here', '1', '2', '3'))))
    assert set(trained) == {''} and len(base64.b64decode(trained[''])) == 3 * 8
    assert find_trained(build(WRAPPERS[tested_in](listed('there', '4', '5'))), trained) is None
    found = find_trained(build(WRAPPERS[tested_in](listed('there', '5', '3', '2'))), trained)
    assert (*found[:2], Path(found[2]).name) == (2, 3, '3.mp4')


def test_held_out_clips_were_not_trained_on(listed: Callable[..., dict]) -> None:
    whole = listed('here', *map(str, range(10)))
    rest, held = (build(dict(type='HoldoutSubset', dataset=whole, ratio=.4, held_out=part)) for part in (False, True))
    assert find_trained(held, trained_clips(rest)) is None
    assert find_trained(build(whole), trained_clips(rest))[:2] == (6, 10)


def test_another_corpus_numbers_its_clips_too(listed: Callable[..., dict]) -> None:
    turned = build(listed('other', '1', '2', classes=['loud', 'calm']))
    assert find_trained(turned, trained_clips(build(listed('here', '1', '2')))) is None  # of other classes
    names = ['happy', 'sad']
    dfew = build(listed('dfew', '0', '1', kind='DFEWDataset', fold=1, classes=names))
    mafw = build(listed('mafw', '0', '1', classes=names))
    trained = trained_clips(dfew)
    assert set(trained) == {'dfew'} and find_trained(dfew, trained)[:2] == (2, 2)
    assert find_trained(mafw, trained)[:2] == (2, 2)  # the list does not say that it is another set
    mafw.published = type('Published', (), dict(schema=type('Schema', (), dict(name='mafw_compound'))))
    assert find_trained(mafw, trained) is None and set(trained_clips(mafw)) == {'mafw'}


def test_trainings_that_begin_from_one_another(listed: Callable[..., dict]) -> None:
    first, second = build(listed('here', '1', '2')), build(listed('here', '3'))
    trained = trained_clips(second, trained_clips(first))
    assert find_trained(first, trained)[:2] == (2, 2) and find_trained(second, trained)[:2] == (1, 1)
    assert trained_clips(first, trained) == trained


def test_data_sets_without_names_do_not_say() -> None:
    assert trained_clips([1, 2]) == {} and find_trained([1, 2], {'': base64.b64encode(b'8 bytes.').decode()}) is None


@pytest.mark.parametrize('text', ['?', 'YWJj'])
def test_damaged(listed: Callable[..., dict], text: str) -> None:
    with pytest.raises(InputError, match='trained_clips in the metadata of the checkpoint is damaged'):
        find_trained(build(listed('here', '1')), {'': text})


def test_says_which_fold_it_was(listed: Callable[..., dict]) -> None:
    dataset = build(listed('here', '1'))
    found = find_trained(dataset, trained_clips(dataset))
    config = json.dumps(dict(train_dataloader=dict(dataset=dict(datasets=[dict(fold=4)]))))
    assert describe_overlap(found, config) == (
        f'1 of the 1 clips are among those that the checkpoint was trained on, such as {found[2]}; it was trained '
        'on fold 4')
    assert describe_overlap(found, '{') == describe_overlap(found, None) == describe_overlap(found, config)[:-26]
