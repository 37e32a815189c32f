"""Tests on corrupted clips: which, how they are made, and that an interrupted one goes on."""
import json
from pathlib import Path

import pytest
from mmengine.config import Config

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.robustness import (
    CONDITIONS,
    applicable,
    corrupted_config,
    measure_robustness,
    robustness_table,
)
from claip_emo_mm.visualization import plot_robustness

CONFIGS = Path(__file__).parents[2] / 'configs'
TOY = CONFIGS / 'claip_emo_tiny_toy.py'


def named(name: str):
    return next(condition for condition in CONDITIONS if condition.name == name)


def types(cfg: Config) -> list[str]:
    return [transform['type'] for transform in cfg.test_dataloader.dataset.pipeline]


def test_each_transform_stands_where_it_must() -> None:
    cfg = Config.fromfile(TOY)
    before = types(cfg)
    for name, kind, behind in (('noise on the audio, 0 dB', 'AddAudioNoise', 'LoadAudioWindows'),
                               ('blur, 3 % of the width', 'BlurFrames', 'ResizeFrames'),
                               ('occlusion, 25 % of the area', 'OccludeFrames', 'ResizeFrames'),
                               ('lost frames, 50 %', 'DropFrames', 'SampleFrameViews')):
        corrupted = types(corrupted_config(cfg, named(name)))
        assert corrupted[corrupted.index(kind) - 1] == behind
        corrupted.remove(kind)
        assert corrupted == before == types(cfg)
    assert corrupted_config(cfg, named('no audio')).model.modality == 'visual' and 'modality' not in cfg.model


def test_a_model_of_one_modality_has_the_conditions_of_it() -> None:
    assert applicable(Config.fromfile(TOY)) == list(CONDITIONS)
    configs = {name: Config.fromfile(CONFIGS / f'claip_emo_tiny_toy_{name}.py') for name in ('visual', 'audio')}
    kinds = {name: [condition.kind for condition in applicable(cfg)] for name, cfg in configs.items()}
    assert set(kinds['visual']) == {'clean', 'blur', 'occlusion', 'lost frames'}
    assert set(kinds['audio']) == {'clean', 'noise on the audio'}


def test_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    cfg, checkpoint, tested = Config.fromfile(TOY), tmp_path / 'a.pth', []
    checkpoint.write_bytes(b'weights')

    def test(corrupted: Config) -> dict[str, float]:
        if len(tested) == 3:
            raise KeyboardInterrupt
        tested.append(corrupted.work_dir)
        return dict(WAR=90. - len(tested), UAR=80. - len(tested), top2=99.)

    with pytest.raises(KeyboardInterrupt):
        measure_robustness(cfg, checkpoint, test, tmp_path)
    assert list(json.loads((tmp_path / 'robustness.json').read_text())['conditions']) == [
        condition.name for condition in CONDITIONS[:3]]
    assert not (tmp_path / 'robustness.csv').exists()
    tested.append('the one that was interrupted')
    metrics = measure_robustness(cfg, checkpoint, test, tmp_path)
    assert len(set(tested)) == 1 + len(CONDITIONS)
    assert tested[1] == str(tmp_path / 'robustness' / 'noise_on_the_audio_20_db')
    assert metrics['clean'] == dict(WAR=89., UAR=79.) and metrics['noise on the audio, 20 dB']['WAR'] == 88.
    lines = (tmp_path / 'robustness.csv').read_text().splitlines()
    assert lines[:2] == ['condition,WAR,UAR', 'clean,89.00,79.00'] and len(lines) == 1 + len(CONDITIONS)
    line = robustness_table(metrics).splitlines()[2]
    assert line.split()[-4:] == ['88.00', '1.00', '78.00', '1.00'] and line.startswith('noise on the audio, 20 dB')
    cfg.load_from, cfg.work_dir = 'moved/a.pth', 'elsewhere'
    assert measure_robustness(cfg, checkpoint, test, tmp_path) == metrics and len(tested) == 1 + len(CONDITIONS)
    checkpoint.write_bytes(b'other weights')
    with pytest.raises(InputError, match=r'robustness\.json: holds metrics of another checkpoint\. Delete it'):
        measure_robustness(cfg, checkpoint, test, tmp_path)


@pytest.mark.parametrize('text', ['not json', '[]', '{"of": {}}'])
def test_another_file_of_the_name_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / 'robustness.json').write_text(text)
    (tmp_path / 'a.pth').touch()
    with pytest.raises(InputError, match='is no file of tools/test.py --robustness. Move it away'):
        measure_robustness(Config.fromfile(TOY), tmp_path / 'a.pth', dict, tmp_path)
    assert (tmp_path / 'robustness.json').read_text() == text


def test_metrics_that_are_not_compared(tmp_path: Path) -> None:
    (tmp_path / 'a.pth').touch()
    with pytest.raises(InputError, match='compares WAR and UAR, but the test gives acc/top1. Set test_evaluator'):
        measure_robustness(Config.fromfile(TOY), tmp_path / 'a.pth', lambda cfg: {'acc/top1': 3.}, tmp_path)
    assert not (tmp_path / 'robustness.json').exists()


def test_plot_names_every_condition() -> None:
    metrics = {condition.name: dict(WAR=90., UAR=55.5) for condition in CONDITIONS}
    axis, = plot_robustness(metrics, 'toy').axes
    assert [label.get_text() for label in axis.get_yticklabels()] == list(metrics)
    assert {bar.get_width() for bar in axis.patches} == {90., 55.5}


def test_data_set_without_a_pipeline() -> None:
    cfg = Config(dict(model=dict(), test_dataloader=dict(dataset=dict(type='Odd'))))
    with pytest.raises(InputError, match='Odd has no pipeline'):
        applicable(cfg)
