"""Clips that cannot be read, and clips without audio, in a whole training."""
import csv
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.runner import Runner
from sampled_components import sampled_config

from claip_emo_mm.engine import SkippedClipsHook
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.dataset import make_toy_set


@pytest.fixture(scope='module')
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven clips in each split; of train and test, one is a text and one has no audio."""
    import av

    folder = tmp_path_factory.mktemp('toy')
    make_toy_set(folder, clips=(7, 7, 7), workers=1)
    for split in ('train', 'test'):
        (folder / f'videos/{split}_000_fear.mp4').write_text('no video\n')
        spoken = folder / f'videos/{split}_000_sad.mp4'
        mute = folder / 'mute.mp4'
        with av.open(str(spoken)) as source, av.open(str(mute), 'w') as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(source.streams.video[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
        mute.replace(spoken)
    return folder


def make_config(toy: Path, work_dir: Path, on_error: str) -> Config:
    cfg = sampled_config(work_dir, encoders=None)
    fresh = Config.fromfile(Path(__file__).parents[3] / 'configs/claip_emo_tiny_toy.py')
    for key in ('train_dataloader', 'test_dataloader'):
        dataset = fresh[key].dataset
        for transform in dataset.pipeline:
            if transform.type == 'LoadAudioWindows':
                transform.on_missing = 'silence'
        cfg[key].dataset = dict(dataset, data_root=str(toy), on_error=on_error)
    cfg.test_dataloader.batch_size = 1  # a batch of nothing but the clip that cannot be read
    cfg.train_cfg.max_epochs = 1
    cfg.param_scheduler = None
    cfg.default_hooks.checkpoint.interval = 100
    cfg.experiment_name = work_dir.name
    return cfg


def test_skipped_and_listed(toy: Path, tmp_path: Path) -> None:
    runner = Runner.from_cfg(make_config(toy, tmp_path / 'skipping', 'skip'))
    runner.train()
    log = next((tmp_path / 'skipping').glob('*/*.log')).read_text()
    assert 'train: 1 clips could not be read and were skipped:' in log
    assert f'{toy}/videos/train_000_fear.mp4: no video that can be opened' in log
    assert ('train: 1 clips have no audio; the model read silence, or no audio:\n'
            f'  {toy}/videos/train_000_sad.mp4') in log
    with open(tmp_path / 'skipping/skipped_clips.csv', encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['clip'] for row in rows] == [f'{toy}/videos/train_000_fear.mp4']
    assert rows[0]['reason'].startswith(rows[0]['clip'])

    metrics = runner.test()
    log = next((tmp_path / 'skipping').glob('*/*.log')).read_text()
    assert 'EmotionMetric: 1 of 7 clips could not be read and do not count' in log
    assert any(metrics['WAR'] == pytest.approx(100 * right / 6) for right in range(7))


def test_audio_that_may_not_be_what_was_meant(caplog: pytest.LogCaptureFixture) -> None:
    notes = dict(b='its channels cancel each other', a='there is nothing to hear', c='')
    samples = [ActionDataSample(metainfo=dict(filename=name, audio_note=note)) for name, note in notes.items()]
    hook, runner = SkippedClipsHook(), SimpleNamespace(logger=logging.getLogger('report'))
    hook._after_iter(runner, 0, dict(data_samples=samples), mode='train')
    with caplog.at_level(logging.WARNING, 'report'):
        hook._after_epoch(runner, mode='train')
        hook._after_epoch(runner, mode='train')  # an epoch of its own
    assert [record.getMessage() for record in caplog.records] == [
        'train: 2 clips have audio that may not be what was meant:\n  a: there is nothing to hear\n'
        '  b: its channels cancel each other']


def test_an_error_that_names_it(toy: Path, tmp_path: Path) -> None:
    runner = Runner.from_cfg(make_config(toy, tmp_path / 'raising', 'raise'))
    with pytest.raises(InputError, match=r'videos/train_000_fear\.mp4: no video that can be opened'):
        runner.train()


def test_unknown_choice(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="AudioVisualDataset: on_error is 'ignore'. Expected 'raise' or 'skip'"):
        Runner.from_cfg(make_config(toy, tmp_path / 'unknown', 'ignore')).train()
