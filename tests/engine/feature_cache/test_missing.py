"""Clips without frames or audio, from media and from the cache."""
from collections.abc import Callable
from pathlib import Path

import pytest
from mmaction.registry import DATASETS
from mmengine.config import Config

from claip_emo_mm.datasets.feature_cache import ContentHashes
from claip_emo_mm.engine.feature_cache import FeaturePlan, cached_config, extract_features
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import is_skipped

DATASET = 'test_dataloader__dataset__'
MASKED = {f'{DATASET}pipeline__{step}__on_missing': 'mask' for step in (2, 4)}  # DecodeFrames, LoadAudioWindows
BOTH, MUTE, UNSEEN = 'frames,audio.wav,sad', 'frames,,fear', ',audio.wav,happy'


@pytest.fixture
def listed(configured: Callable[..., Config], media: Path, tmp_path: Path) -> Callable[..., Config]:
    """Reads a config that tests clips of `media`."""
    def configure(rows: list[str], name: str = 'temporal', **options: object) -> Config:
        path = tmp_path / 'clips.csv'
        path.write_text('\n'.join(['frames,audio,label', *rows]))
        return configured(tmp_path / 'cache', name, **{
            f'{DATASET}ann_file': str(path), f'{DATASET}data_root': str(media), f'{DATASET}indices': len(rows),
            **options})
    return configure


def test_an_error_stays_one_where_others_mask(listed: Callable[..., Config], media: Path, texts: list[str]) -> None:
    rows = [BOTH, MUTE, UNSEEN]
    assert extract_features(listed(rows, **MASKED), texts.append, ('test',)).clips == 3
    cfg = listed(rows)
    cached, _ = FeaturePlan(cfg, ContentHashes(cfg.feature_cache.dir), ('test',)).cached_config()
    raw, features = (DATASETS.build(each.test_dataloader.dataset) for each in (cfg, cached))
    assert features[0]['inputs'].keys() == raw[0]['inputs'].keys()
    said = []
    for index in (1, 2):
        for dataset in (raw, features):
            with pytest.raises(InputError) as caught:
                dataset[index]
            said.append(str(caught.value))
    assert said[0] == said[1] and said[0].startswith(f'{media / "frames"}: the clip has no audio. Use ')
    assert said[2] == said[3] and said[2].startswith(f'{media / "audio.wav"}: an audio file has no frames. Take ')
    with pytest.raises(InputError, match=r'2 clips have no features:\n .*no (audio|frames).*\n .*no (audio|frames)'):
        extract_features(cfg, texts.append, ('test',))
    cfg = listed(rows, **{f'{DATASET}on_error': 'skip'})
    cached, _ = cached_config(cfg, ('test',))
    for each in (cfg, cached):
        dataset = DATASETS.build(each.test_dataloader.dataset)
        assert [is_skipped(dataset[index]['data_samples']) for index in range(3)] == [False, True, True]


@pytest.mark.parametrize('row, absent, there, what', [
    (MUTE, 'audio', 'visual', 'audio'), (UNSEEN, 'visual', 'audio', 'frames')])
def test_a_modality_that_no_clip_has(listed: Callable[..., Config], row: str, absent: str, there: str,
                                     what: str) -> None:
    with pytest.raises(InputError, match=rf'no clip has {what}, .* model\.{absent}_backbone=None, .*\*_{there}\.py do'):
        cached_config(listed([row], **MASKED), ('test',))
    cached, _ = cached_config(listed([row], there), ('test',))
    sample = DATASETS.build(cached.test_dataloader.dataset)[0]
    assert len(sample['inputs']) == 2 and not is_skipped(sample['data_samples'])
