"""A toy model that was trained for two iterations, once for all tests that look at one."""

import pytest
from tool_runs import ROOT, TrainedToy, call_tool

from claip_emo_mm.toy.dataset import make_toy_set

CONFIG = """
_base_ = ['{base}']
train_dataloader = dict(batch_size=7, num_workers=0, persistent_workers=False, dataset=dict(data_root='{data}'))
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root='{data}'))
test_dataloader = dict(num_workers=0, dataset=dict(data_root='{data}'))
train_cfg = dict(max_epochs=1)
param_scheduler = []
default_hooks = dict(logger=dict(interval=1))
"""


@pytest.fixture(scope='session')
def trained_toy(tmp_path_factory: pytest.TempPathFactory) -> TrainedToy:
    """14 clips to train on, 7 to test on."""
    folder = tmp_path_factory.mktemp('trained_toy')
    make_toy_set(folder / 'data', clips=(14, 7, 7), workers=1)
    config = folder / 'toy.py'
    config.write_text(CONFIG.format(base=ROOT / 'configs' / 'claip_emo_tiny_toy.py', data=folder / 'data'))
    with pytest.MonkeyPatch.context() as patch:
        assert call_tool(patch, 'train.py', config, '--work-dir', folder / 'work') == 0
        checkpoint, dump = folder / 'work' / 'epoch_1.pth', folder / 'dump.pkl'
        assert call_tool(patch, 'test.py', config, checkpoint, '--work-dir', folder / 'test', '--dump', dump) == 0
    return TrainedToy(config, checkpoint, next(folder.glob('work/*/vis_data/scalars.json')), dump, folder / 'data')
