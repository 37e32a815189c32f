"""How one training gives the metrics of both protocols."""
from pathlib import Path

import pytest
import torch
from mmaction.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import EarlyStoppingHook

from claip_emo_mm.engine.cross_validation.protocols import (
    PROTOCOLS,
    ChosenEpoch,
    chosen_epochs,
    describe_protocols,
    set_protocols,
)
from claip_emo_mm.errors import InputError

STOP = dict(type='EarlyStoppingHook', monitor='WAR', rule='greater', patience=4)


def config() -> Config:
    return Config(dict(train_cfg=dict(max_epochs=9), custom_hooks=[dict(type='A'), dict(STOP)], default_hooks=dict(
        checkpoint=dict(type='CheckpointHook', interval=2), early_stop=dict(STOP), other=None)))


def test_both_from_one_training() -> None:
    cfg = config()
    set_protocols(cfg, ['paper', 'clean'])
    assert cfg.default_hooks.checkpoint == dict(type='CheckpointHook', interval=2, save_best='WAR', rule='greater')
    assert cfg.default_hooks.early_stop == dict(STOP, type='BestEpochHook')  # does not stop the training
    assert cfg.default_hooks.other is None
    assert cfg.custom_hooks == [dict(type='A'), dict(STOP, type='BestEpochHook')]


def test_paper_alone_stops_early() -> None:
    cfg = config()
    set_protocols(cfg, ['paper'])
    assert cfg.default_hooks.early_stop == STOP and cfg.custom_hooks[1] == STOP
    assert cfg.default_hooks.checkpoint.save_best == 'WAR'


def test_clean_alone_chooses_nothing() -> None:
    cfg = config()
    cfg.default_hooks.checkpoint.save_best = 'WAR'
    set_protocols(cfg, ['clean'])
    assert cfg.default_hooks.early_stop is None and cfg.custom_hooks == [dict(type='A')]
    assert 'save_best' not in cfg.default_hooks.checkpoint


def test_a_config_without_hooks() -> None:
    cfg = Config(dict(train_cfg=dict(max_epochs=9)))
    set_protocols(cfg, list(PROTOCOLS))
    assert cfg.default_hooks.checkpoint.save_best == 'WAR'


def test_a_split_is_held_out() -> None:
    cfg = config()
    trained, tested = dict(type='D', split='train', pipeline=['t']), dict(type='D', split='test', pipeline=['v'],
                                                                         test_mode=True)
    cfg.merge_from_dict(dict(train_dataloader=dict(dataset=trained), val_dataloader=dict(dataset=tested)))
    set_protocols(cfg, ['paper', 'clean'], val_ratio=.1, val_seed=6)
    held = dict(type='HoldoutSubset', ratio=.1, seed=6)
    assert cfg.train_dataloader.dataset == dict(held, dataset=trained, held_out=False)
    assert cfg.val_dataloader.dataset == dict(type='NamedConcatDataset', splits=dict(test=tested, val=dict(
        held, held_out=True, dataset=dict(type='D', split='train', pipeline=['v'], test_mode=True))))
    assert [(metric['split'], metric.get('prefix')) for metric in cfg.val_evaluator] == [('test', None), ('val', 'val')]
    assert cfg.default_hooks.checkpoint.save_best == ['WAR', 'val/WAR']
    assert cfg.default_hooks.early_stop == cfg.custom_hooks[1] == dict(STOP, monitor='val/WAR')
    with pytest.raises(InputError, match='held out for the protocol `clean`'):
        set_protocols(config(), ['paper'], val_ratio=.1)


def test_what_they_are_in_words() -> None:
    assert describe_protocols() == PROTOCOLS
    words = describe_protocols(.05, 2)
    assert words['clean'].startswith('the best epoch by the WAR on 5 % of the training clips, held out')
    assert 'with seed 2' in words['paper'] and words['paper'].startswith(PROTOCOLS['paper'])


def test_bad_input() -> None:
    with pytest.raises(InputError, match='protocols: papr given; expected paper or clean'):
        set_protocols(config(), ['papr'])
    with pytest.raises(InputError, match='train_cfg has no max_epochs'):
        set_protocols(Config(dict(train_cfg=dict(max_iters=5))), ['paper'])


def write_end(folder: Path, epoch: int, **told: str) -> None:
    """Write the files of a training that has ended, as far as they are read: its last checkpoint says what was best."""
    (folder / f'epoch_{epoch}.pth').touch()
    (folder / 'last_checkpoint').write_text(f'/elsewhere/epoch_{epoch}.pth')
    torch.save(dict(message_hub=dict(runtime_info=told)), folder / f'epoch_{epoch}.resume.pth')


def test_epochs_are_found(tmp_path: Path) -> None:
    for name in ('best_WAR_epoch_9.pth', 'best_WAR_epoch_11.pth', 'epoch_19.pth', 'best_UAR_epoch_12.pth'):
        (tmp_path / name).touch()
    write_end(tmp_path, 20, best_ckpt='/elsewhere/best_WAR_epoch_9.pth')  # the one of epoch 11 is an older training's
    assert chosen_epochs(tmp_path, list(PROTOCOLS)) == dict(
        paper=ChosenEpoch(9, 'best_WAR_epoch_9.pth'), clean=ChosenEpoch(20, 'epoch_20.pth'))


def test_epochs_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / 'best_WAR_epoch_3.pth').touch()  # of an older training
    write_end(tmp_path, 20, best_ckpt='best_UAR_epoch_12.pth')
    assert list(chosen_epochs(tmp_path, ['clean'])) == ['clean']
    with pytest.raises(InputError, match='no checkpoint of an epoch for paper'):
        chosen_epochs(tmp_path, list(PROTOCOLS))
    write_end(tmp_path, 20, best_ckpt='best_WAR_epoch_12.pth')
    with pytest.raises(InputError, match=r'best_WAR_epoch_12\.pth: is not there, and .*epoch_20\.resume\.pth names it'):
        chosen_epochs(tmp_path, ['paper'])


def test_epochs_of_two_metrics(tmp_path: Path) -> None:
    for name in ('best_WAR_epoch_5.pth', 'best_val_WAR_epoch_7.pth', 'best_val_WAR_epoch_9.pth'):
        (tmp_path / name).touch()
    write_end(tmp_path, 10, **{'best_ckpt_WAR': 'best_WAR_epoch_5.pth',
                               'best_ckpt_val/WAR': 'best_val_WAR_epoch_7.pth'})
    assert chosen_epochs(tmp_path, list(PROTOCOLS), .1) == dict(
        paper=ChosenEpoch(5, 'best_WAR_epoch_5.pth'), clean=ChosenEpoch(7, 'best_val_WAR_epoch_7.pth'))


@HOOKS.register_module()
class OwnStop(EarlyStoppingHook):
    """An early stop of the user's own."""


SPELLINGS = ['EarlyStoppingHook', 'mmengine.EarlyStoppingHook', 'mmengine.hooks.EarlyStoppingHook', EarlyStoppingHook,
             'BestEpochHook', 'mmaction.BestEpochHook']


@pytest.mark.parametrize('kind', SPELLINGS)
def test_every_spelling_of_the_early_stop(kind: str | type) -> None:
    stop = dict(STOP, type=kind)
    for protocols, expected in ((['paper', 'clean'], dict(STOP, type='BestEpochHook')), (['clean'], None)):
        cfg = Config(dict(train_cfg=dict(max_epochs=9), custom_hooks=[stop], default_hooks=dict(early_stop=stop)))
        set_protocols(cfg, protocols)
        assert cfg.default_hooks.early_stop == expected
        assert cfg.custom_hooks == ([] if expected is None else [expected])


@pytest.mark.parametrize('kind', ['OwnStop', 'mmaction.OwnStop', OwnStop])
def test_an_early_stop_of_its_own_kind(kind: str | type) -> None:
    def config() -> Config:
        return Config(dict(train_cfg=dict(max_epochs=9), custom_hooks=[dict(STOP, type=kind)]))

    cfg = config()
    set_protocols(cfg, ['clean'])
    assert cfg.custom_hooks == []
    with pytest.raises(InputError, match=r'custom_hooks\[0\]: OwnStop is an early stop of its own kind'):
        set_protocols(config(), ['paper', 'clean'])


def test_a_config_with_imported_classes(tmp_path: Path) -> None:
    path = tmp_path / 'imported.py'
    path.write_text('from mmengine.hooks import CheckpointHook, EarlyStoppingHook\n'
                    'model = dict(type="DummyModel")\ntrain_cfg = dict(max_epochs=3)\n'
                    'default_hooks = dict(checkpoint=dict(type=CheckpointHook),'
                    ' stop=dict(type=EarlyStoppingHook, monitor="WAR"))\n')
    cfg = Config.fromfile(path)
    set_protocols(cfg, ['paper', 'clean'])
    again = Config.fromstring(cfg.pretty_text, '.py')
    assert again.default_hooks.checkpoint == dict(type='mmengine.hooks.CheckpointHook', save_best='WAR', rule='greater')
    assert again.default_hooks.stop == dict(type='BestEpochHook', monitor='WAR')
