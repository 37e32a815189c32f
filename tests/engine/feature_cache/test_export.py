"""Features in files for other programs."""
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.config import Config, ConfigDict

from claip_emo_mm.engine.feature_cache import cached_config, export_features
from claip_emo_mm.errors import InputError


def test_npz(configured: Callable[..., Config], full_cache: Path, tmp_path: Path) -> None:
    cfg = configured(full_cache)
    assert export_features(cfg, tmp_path / 'out', 'npz') == {
        tmp_path / 'out' / f'{split}.npz': clips for split, clips in (('train', 7), ('val', 2), ('test', 3))}
    cached, _ = cached_config(cfg, ('test',))
    dataset = DATASETS.build(cached.test_dataloader.dataset)
    with np.load(tmp_path / 'out' / 'test.npz') as kept:
        assert kept['visual'].shape == kept['audio'].shape == (3, 128) and kept['visual'].dtype == np.float32
        assert list(kept['classes']) == dataset.metainfo['classes'] and kept['labels'].tolist() == [0, 1, 2]
        for index in range(3):
            inputs = dataset[index]['inputs']
            frames = np.stack([inputs['frames'][view].mean(0) for view in inputs['frame_index']]).mean(0)
            np.testing.assert_allclose(kept['visual'][index], frames, atol=1e-6)
            np.testing.assert_allclose(kept['audio'][index], inputs['mel'][inputs['audio_index']].mean(0), atol=1e-6)
            assert kept['names'][index] == dataset.get_data_info(index)['filename']


@pytest.mark.parametrize('wrapper', ['RepeatDataset', 'ConcatDataset', 'ClassBalancedDataset'])
def test_wrapped_training_clips_have_all_views(configured: Callable[..., Config], full_cache: Path, tmp_path: Path,
                                               wrapper: str) -> None:
    cfg = configured(full_cache)
    export_features(cfg, tmp_path / 'plain', 'npz', ('train',))
    inner = cfg.train_dataloader.dataset
    options = dict(RepeatDataset=dict(times=1, dataset=inner), ConcatDataset=dict(datasets=[inner]),
                   ClassBalancedDataset=dict(oversample_thr=1e-9, dataset=inner))[wrapper]
    cfg.train_dataloader.dataset = ConfigDict(type=wrapper, **options)
    export_features(cfg, tmp_path / 'wrapped', 'npz', ('train',))
    with np.load(tmp_path / 'plain' / 'train.npz') as plain, np.load(tmp_path / 'wrapped' / 'train.npz') as wrapped:
        assert plain['names'].tolist() == wrapped['names'].tolist()
        for name in ('visual', 'audio'):
            np.testing.assert_array_equal(wrapped[name], plain[name])


def test_parquet(configured: Callable[..., Config], full_cache: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip('pyarrow.parquet')
    export_features(configured(full_cache, 'visual'), tmp_path, 'parquet')
    table = parquet.read_table(tmp_path / 'train.parquet').to_pydict()
    assert list(table) == ['clip', 'label', 'visual'] and len(table['clip']) == 7
    assert sorted(table['label']) == sorted(['happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear'])
    assert len(table['visual'][0]) == 128 and np.std(table['visual'][0]) > .01


def test_latent_maps_are_averaged(configured: Callable[..., Config], full_cache: Path, tmp_path: Path) -> None:
    cfg = configured(tmp_path / 'maps', 'fusion_cross_attention')
    for split in ('train', 'val'):
        cfg[f'{split}_dataloader'] = None
    cached_config(cfg, ('test',))
    export_features(cfg, tmp_path / 'maps', 'npz')
    export_features(configured(full_cache), tmp_path / 'means', 'npz')
    with np.load(tmp_path / 'maps' / 'test.npz') as maps, np.load(tmp_path / 'means' / 'test.npz') as means:
        np.testing.assert_allclose(maps['audio'], means['audio'], atol=1e-5)


def test_tokens_are_not_exported(configured: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(InputError, match='visual_block keeps tokens inside the encoder'):
        export_features(configured(tmp_path, 'upper_lora'), tmp_path, 'npz')
