"""The config of a data set of one's own: a leaf over one of the project's configs."""
import os
import re
from collections.abc import Sequence
from pathlib import Path

from claip_emo_mm.data_preparation.dealt_videos import PARTS
from claip_emo_mm.engine.run_config import load_config
from claip_emo_mm.errors import InputError

_LEAF = '''\
# {count} classes, over {base}; made by tools/prepare_data.py folder, free to be changed.
_base_ = [{base_path!r}]
data_root = {root!r}
classes = {classes!r}

model = dict({model})
'''
_LOADER = '''\
{part}_dataloader = dict(
    dataset=dict(_delete_=True, type='AudioVisualDataset', ann_file='{part}.csv', data_root=data_root, classes=classes,
                 pipeline=_base_.{part}_dataloader.dataset.pipeline{mode}))
'''


def config_name(out: Path) -> str:
    """Name of the config of the set in a folder; a work folder is called by it."""
    return re.sub(r'\W', '_', out.resolve().name) + '.py'


def config_text(out: Path, base: Path, classes: Sequence[str]) -> str:
    """The text of the config.

    Args:
        out: folder of the set, which the config goes into.
        base: config that says all the rest.
        classes: class names, label 0 first.
    Raises:
        InputError: the base is no config for training such a set.
    """
    cfg = load_config(base)
    head = cfg.model.get('cls_head') or {}
    absent = [f'{part}_dataloader' for part in PARTS if cfg.get(f'{part}_dataloader') is None]
    if 'num_classes' not in head or absent:
        raise InputError(f'{base}: not a config that can be trained and tested on other classes: '
                         f'{", ".join(absent) or "model.cls_head.num_classes"} missing. Take one of configs/.')
    changed = [f'cls_head=dict(num_classes={len(classes)})']
    if (cfg.model.get('data_preprocessor') or {}).get('blend'):
        changed.append(f'data_preprocessor=dict(blend=dict(num_classes={len(classes)}))')
    base_path = Path(os.path.relpath(base.resolve(), out.resolve())).as_posix()
    leaf = _LEAF.format(count=len(classes), root=out.as_posix(), base=base.name, base_path=base_path,
                        classes=list(classes), model=', '.join(changed))
    return leaf + ''.join(_LOADER.format(part=part, mode='' if part == 'train' else ', test_mode=True')
                          for part in PARTS)
