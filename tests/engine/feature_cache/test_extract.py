"""What is extracted, when, and what is refused."""
import fcntl
import gc
import re
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from safetensors.torch import load_file, save_file

from claip_emo_mm.datasets.feature_cache import ContentHashes, FeatureStore
from claip_emo_mm.engine.feature_cache import FeatureCacheConfig, cached_config, extract_features
from claip_emo_mm.engine.feature_cache.encoders import FrozenEncoder
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.resolve import find_file

WINDOWS = 2  # distinct ones of a toy clip: 2 views


@pytest.fixture
def cache(full_cache: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(full_cache, tmp_path / 'features'))


@pytest.fixture(scope='session')
def tokens(configured: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the tokens behind block 1 of the test clips, which nothing may be added to."""
    cache = tmp_path_factory.mktemp('tokens')
    cfg = configured(cache, 'upper_lora')
    cached_config(cfg, ('test',))
    return cache


def test_nothing_is_extracted_twice(configured: Callable[..., Config], full_cache: Path, texts: list[str]) -> None:
    for name in ('temporal', 'linear_probe', 'fusion_film', 'audio'):  # configs share their features
        report = extract_features(configured(full_cache, name), texts.append)
        assert report.clips == 12 and report.rows == report.size == 0
    assert texts == [f'{full_cache}: has the features of all 12 clips'] * 4
    swapped = configured(full_cache, train_dataloader__dataset__ann_file='test.csv',
                         train_dataloader__dataset__indices=3,
                         test_dataloader__dataset__ann_file='train.csv')  # as another fold does
    assert extract_features(swapped, texts.append).rows == 0
    frames, windows = (FeatureStore(next(full_cache.glob(f'{name}-*'))) for name in ('visual', 'audio'))
    assert len(windows) <= 12 * WINDOWS and 12 * 8 <= len(frames) <= 12 * 16 and frames.row_shape == (128,)


def test_a_killed_extraction_goes_on(configured: Callable[..., Config], full_cache: Path, tmp_path: Path,
                                     texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    cfg, counted = configured(tmp_path), []
    append = FeatureStore.append

    def until_killed(self: FeatureStore, *args: object) -> None:
        if len(counted) == 5:
            raise KeyboardInterrupt
        append(self, *args)
        counted.append(len(args[2]))

    with monkeypatch.context() as patch:
        patch.setattr(FeatureStore, 'append', until_killed)
        with pytest.raises(KeyboardInterrupt):
            extract_features(cfg, texts.append)
    report = extract_features(cfg, texts.append)
    assert report.rows + sum(counted) == sum(len(FeatureStore(folder)) for folder in full_cache.glob('*-*'))
    assert texts[-1].startswith(f'{tmp_path}: encoded {report.rows} frames and audio windows of {report.extracted} ')
    assert texts[-2].startswith(f'{tmp_path}: 2 of 12 clips have all features. 7 clips are left after the first 3: ab')


def test_encoders_and_files_go_after_an_extraction(configured: Callable[..., Config], tmp_path: Path) -> None:
    made = []
    build = FrozenEncoder.__init__

    def built(self: FrozenEncoder, *args: object) -> None:
        build(self, *args)
        made.append(weakref.ref(self))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FrozenEncoder, '__init__', built)
        cached_config(configured(tmp_path), ('test',))
    gc.collect()
    assert len(made) == 2 and not any(reference() for reference in made)
    for path in tmp_path.glob('*/index_*.bin'):
        with path.open('ab') as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody holds it


def test_dry_run(configured: Callable[..., Config], tmp_path: Path, texts: list[str]) -> None:
    report = extract_features(configured(tmp_path), texts.append, dry_run=True)
    assert report.extracted == 3 and len(texts) == 1 and ' MB (' in texts[0] and 'with 1 process,' in texts[0]


@pytest.mark.parametrize('options, expected', [
    ({'model.visual_backbone.arch.layers': 3}, r"encoder\.arch: .*'layers': 4.* there, .*'layers': 3.* here"),
    ({'test_dataloader.dataset.pipeline.3.size': 56}, r'1 ResizeFrames\.size: 64 there, 56 here'),
    ({'test_dataloader.dataset.pipeline.5.window_ms': 20}, r'1 LogMel\.window_ms: 25 there, 20 here'),
    ({'model.data_preprocessor.mean': [9., 9, 9]}, r'data_preprocessor\.mean: None there, \[9\.0'),
])
def test_changed_settings_are_named(configured: Callable[..., Config], cache: Path, texts: list[str], options: dict,
                                    expected: str) -> None:
    cfg = configured(cache, feature_cache__extract=False, **options)
    with pytest.raises(InputError, match=r'lacks features of 10 of 10 clips, such as .*extract is False'):
        extract_features(cfg, texts.append, ('train', 'test'))
    assert re.search(expected, texts[0])


def test_changed_weights_are_named(configured: Callable[..., Config], cache: Path, tmp_path: Path,
                                   texts: list[str]) -> None:
    weights = load_file(find_file('toy', ['toy_clip.safetensors']))
    key = next(key for key, value in weights.items() if value.ndim == 2)
    weights[key] = weights[key] + 1e-3
    save_file(weights, tmp_path / 'other.safetensors', metadata=dict(format='pt'))
    cfg = configured(cache, model__visual_backbone__pretrained=str(tmp_path / 'other.safetensors'))
    report = extract_features(cfg, texts.append, ('test',))
    assert report.extracted == 3 and 'no visual features of these settings; the nearest ones differ in' in texts[0]
    assert '\n  weights: ' in texts[0] and texts[0].count('\n') == 1
    assert len(list(cache.glob('visual-*'))) == 2 and len(list(cache.glob('audio-*'))) == 1


def test_an_edited_clip_is_extracted_again(configured: Callable[..., Config], cache: Path, toy: Path, tmp_path: Path,
                                           texts: list[str]) -> None:
    data = Path(shutil.copytree(toy, tmp_path / 'toy'))
    cfg = configured(cache, **{f'{split}_dataloader__dataset__data_root': str(data)
                               for split in ('train', 'val', 'test')})
    assert extract_features(cfg, texts.append).rows == 0  # the same clips in another place
    clip = data / (data / 'train.csv').read_text().splitlines()[1].split(',')[0]
    clip.write_bytes(clip.read_bytes() + b'\0\0\0\x08free')  # still a video
    report = extract_features(cfg, texts.append)
    assert report.extracted == 1 and f'{clip} was edited: its features are extracted again' in texts


def test_a_clip_that_is_edited_during_the_extraction(configured: Callable[..., Config], full_cache: Path, toy: Path,
                                                     tmp_path: Path, texts: list[str]) -> None:
    data, cache = Path(shutil.copytree(toy, tmp_path / 'toy')), tmp_path / 'cache'
    cfg, edited = configured(cache, train_dataloader__dataset__data_root=str(data)), []

    def edit(text: str) -> None:  # after the first clips, one of the others becomes one of another split
        if 'clips are left after the first' in text:
            store, hashes = FeatureStore(next(cache.glob('audio-*'))), ContentHashes(cache)
            clips = {path: hashes.clip(dict(filename=str(path))) for path in data.glob('videos/train_*')}
            edited.extend(next(item for item in clips.items() if store.media(item[1]) is None))
            edited.append(edited[0].read_bytes())
            shutil.copy(next(data.glob('videos/test_*')), edited[0])

    with pytest.raises(InputError, match=r'1 clips have no features:\n .*/train_\d.*: was edited during the extr'):
        extract_features(cfg, edit, ('train',))
    path, clip, content = edited
    for folder in cache.glob('*-*'):
        assert FeatureStore(folder).media(clip) is None and not len(FeatureStore(folder).ids(clip, 0))
    assert extract_features(cfg, texts.append, ('train',)).extracted == 1  # as the message says
    path.write_bytes(content)
    assert extract_features(cfg, texts.append, ('train',)).extracted == 1
    for folder in cache.glob('*-*'):
        found, expected = (FeatureStore(each / folder.name) for each in (cache, full_cache))
        ids = expected.ids(clip, 0)
        np.testing.assert_allclose(found.rows(clip, 0, ids), expected.rows(clip, 0, ids), atol=1e-5)


def test_unreadable_clips(configured: Callable[..., Config], toy: Path, tmp_path: Path, texts: list[str]) -> None:
    data = Path(shutil.copytree(toy, tmp_path / 'toy'))
    broken = data / (data / 'test.csv').read_text().splitlines()[2].split(',')[0]
    broken.write_bytes(b'no video')
    cfg = configured(tmp_path / 'cache', test_dataloader__dataset__data_root=str(data))
    with pytest.raises(InputError, match=rf'1 clips have no features:\n  .*{broken.name}.*\nRepair the files'):
        extract_features(cfg, texts.append, ('test',))
    assert len(list(FeatureStore(next((tmp_path / 'cache').glob('audio-*')))._media)) == 2  # the others are done
    cfg.test_dataloader.dataset.on_error = 'skip'
    assert list(extract_features(cfg, texts.append, ('test',)).failures) == [str(broken)]
    assert '1 clips have no features' in texts[-1]


@pytest.mark.parametrize('options, expected', [
    (dict(model__visual_backbone__lora=dict(_delete_=True, targets=['q_proj'])),
     r'8 parameters would be trained below .* visual_backbone\.tower\.transformer\.resblocks\.0\.attn\.q_proj\.lora'
     r'.*model\.visual_backbone\.lora=None'),
    (dict(model__audio_backbone__frozen=False), r'audio_backbone\.tower\.bn0\.weight, .*frozen=True'),
    (dict(model__visual_backbone__lora=dict(_delete_=True, targets=['q_proj'], blocks=[1, 3]),
          feature_cache__visual_block=1),
     r'lora\.blocks=\[1, 3\] trains parameters in block 1 or below.*lora\.blocks to blocks above 1'),
    (dict(model__precision='bf16'), r"model\.precision is 'bf16'.*Set model\.precision='fp32'\. .*feature_cache=None"),
    (dict(model__visual_backbone__pretrained=None), 'pretrained is None: random weights'),
    (dict(model__data_preprocessor__blending=dict(num_classes=7)), 'blending mixes pixels'),
    (dict(feature_cache__dtype='int8'), "dtype is 'int8'. Expected 'float32' or 'float16'"),
    (dict(feature_cache__view=3), 'view is no option of it. Expected dir, views, '),
    (dict(model__type='Recognizer2D'), 'the model is a Recognizer2D'),
    (dict(model__visual_backbone__type='ImageBackboneWrapper'), 'is a ImageBackboneWrapper. Features are'),
])
def test_refused(configured: Callable[..., Config], tmp_path: Path, texts: list[str], options: dict,
                 expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        extract_features(configured(tmp_path, **options), texts.append, ('test',))
    assert not list(tmp_path.glob('*/rows_*')) and not texts


@pytest.mark.parametrize('options, expected', [
    (dict(model__visual_backbone__merged_tokens=8), r'backbone\.merged_tokens is 8, which .*Set .*merged_tokens=0\.'),
    (dict(model__visual_backbone__int8=True), r'visual_backbone\.int8 is True, which .*Set .*\.int8=False\.'),
    (dict(model__data_preprocessor__frame_tolerance=1.5), r'frame_tolerance is 1\.5, which .*frame_tolerance=0\.'),
])
def test_faster_encoders_do_not_take_exact_features(configured: Callable[..., Config], full_cache: Path,
                                                    texts: list[str], options: dict, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        cached_config(configured(full_cache, **options), ('test',))


@pytest.mark.parametrize('options, expected', [
    (dict(lora__blocks=None), r'lora\.blocks=None trains parameters in block 1 or below'),
    (dict(lora__blocks=[0, 3]), r'lora\.blocks=\[0, 3\] trains parameters in block 1 or below'),
    (dict(lora=None, frozen=False), r'frozen=False trains parameters in block 1 or below'),
])
def test_what_is_trained_below_a_block_is_refused_with_a_full_cache(
        configured: Callable[..., Config], tokens: Path, options: dict, expected: str) -> None:
    options = {f'model__visual_backbone__{key}': value for key, value in options.items()}
    with pytest.raises(InputError, match=expected):
        cached_config(configured(tokens, 'upper_lora', **options), ('test',))


@pytest.mark.parametrize('block', [3, 7])
def test_blocks_without_others_above(configured: Callable[..., Config], tmp_path: Path, texts: list[str],
                                     block: int) -> None:
    cfg = configured(tmp_path, 'upper_lora', feature_cache__visual_block=block,
                     model__visual_backbone__lora__blocks=[block + 1])
    with pytest.raises(InputError, match=f'visual_block is {block}, but the encoder has the blocks 0 to 3. Expected'):
        extract_features(cfg, texts.append, ('test',))
    assert not list(tmp_path.glob('*/rows_*')) and not texts


def test_options_have_defaults() -> None:
    assert FeatureCacheConfig.of(Config(dict(feature_cache=dict(views=2)))) == FeatureCacheConfig(views=2)
    assert torch.get_default_dtype() == torch.float32
