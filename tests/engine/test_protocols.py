"""How one training gives the figures of both protocols."""
from pathlib import Path

import pytest
from mmengine.config import Config

from claip_emo_mm.engine.protocols import PROTOCOLS, ChosenEpoch, chosen_epochs, describe_protocols, set_protocols
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


def test_a_part_is_held_out() -> None:
    cfg = config()
    trained, tested = dict(type='D', part='train', pipeline=['t']), dict(type='D', part='test', pipeline=['v'],
                                                                         test_mode=True)
    cfg.merge_from_dict(dict(train_dataloader=dict(dataset=trained), val_dataloader=dict(dataset=tested)))
    set_protocols(cfg, ['paper', 'clean'], val_share=.1, val_seed=6)
    held = dict(type='HeldOutPart', share=.1, seed=6)
    assert cfg.train_dataloader.dataset == dict(held, dataset=trained, held_out=False)
    assert cfg.val_dataloader.dataset == dict(type='NamedParts', parts=dict(test=tested, val=dict(
        held, held_out=True, dataset=dict(type='D', part='train', pipeline=['v'], test_mode=True))))
    assert [(metric['part'], metric.get('prefix')) for metric in cfg.val_evaluator] == [('test', None), ('val', 'val')]
    assert cfg.default_hooks.checkpoint.save_best == ['WAR', 'val/WAR']
    assert cfg.default_hooks.early_stop == cfg.custom_hooks[1] == dict(STOP, monitor='val/WAR')
    with pytest.raises(InputError, match='held out for the protocol `clean`'):
        set_protocols(config(), ['paper'], val_share=.1)


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


def test_epochs_are_found(tmp_path: Path) -> None:
    for name in ('best_WAR_epoch_9.pth', 'best_WAR_epoch_11.pth', 'epoch_19.pth', 'epoch_20.pth', 'epoch_20.resume.pth',
                 'best_UAR_epoch_12.pth'):
        (tmp_path / name).touch()
    (tmp_path / 'last_checkpoint').write_text('/elsewhere/epoch_20.pth')
    assert chosen_epochs(tmp_path, list(PROTOCOLS)) == dict(
        paper=ChosenEpoch(11, 'best_WAR_epoch_11.pth'), clean=ChosenEpoch(20, 'epoch_20.pth'))


def test_epochs_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / 'epoch_20.pth').touch()
    (tmp_path / 'last_checkpoint').write_text('epoch_20.pth')
    assert list(chosen_epochs(tmp_path, ['clean'])) == ['clean']
    (tmp_path / 'best_val_WAR_epoch_7.pth').touch()
    assert chosen_epochs(tmp_path, ['clean'], .1)['clean'] == ChosenEpoch(7, 'best_val_WAR_epoch_7.pth')
    with pytest.raises(InputError, match='no checkpoint of an epoch for paper'):
        chosen_epochs(tmp_path, list(PROTOCOLS))
