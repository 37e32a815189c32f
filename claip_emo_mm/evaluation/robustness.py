"""Robustness: metrics on clips with noise, blur, occlusion, lost frames or a missing modality."""
import copy
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from tqdm import tqdm

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.tables import text_table
from claip_emo_mm.utils.io import read_json, write_csv, write_json

METRICS = ('WAR', 'UAR')
CLEAN = 'clean'
_RESIZED = ('DecodeFrames', 'ResizeFrames')


@dataclass(frozen=True)
class Condition:
    """One way to corrupt the clips of a test."""
    kind: str  # such as 'noise on the audio'
    strength: str = ''  # such as '10 dB'
    transform: dict[str, Any] | None = None  # None where a modality is missing instead
    behind: tuple[str, ...] = ()  # transforms of the pipeline; the new one is inserted behind the last of them
    needs: tuple[str, ...] = ()  # further transforms without which it would change nothing
    modality: str = 'both'  # that the model reads

    @property
    def name(self) -> str:
        """Kind and strength."""
        return f'{self.kind}, {self.strength}' if self.strength else self.kind

    @property
    def folder(self) -> str:
        """The name as that of a folder."""
        return re.sub('[^a-z0-9-]+', '_', self.name.lower())


CONDITIONS = (
    Condition(CLEAN),
    *(Condition('noise on the audio', f'{snr_db} dB', dict(type='AddAudioNoise', snr_db=snr_db), ('LoadAudioWindows',))
      for snr_db in (20, 10, 0, -10)),
    *(Condition('blur', f'{100 * sigma:g} % of the width', dict(type='BlurFrames', sigma=sigma), _RESIZED)
      for sigma in (.01, .03, .06)),
    *(Condition('occlusion', f'{100 * ratio:g} % of the area', dict(type='OccludeFrames', ratio=ratio), _RESIZED)
      for ratio in (.1, .25, .5)),
    *(Condition('lost frames', f'{100 * ratio:g} %', dict(type='DropFrames', ratio=ratio), ('SampleFrameViews',),
                ('DecodeFrames',))
      for ratio in (.25, .5, 1)),
    Condition('no audio', modality='visual'),
    Condition('no frames', modality='audio'),
)


def applicable(cfg: Config) -> list[Condition]:
    """Conditions that apply to a model and its test pipeline: a model without audio has no noise on it."""
    types = {transform['type'] for transform in _pipeline(cfg)}
    both = bool(cfg.model.get('visual_backbone') and cfg.model.get('audio_backbone'))
    return [condition for condition in CONDITIONS if {*condition.behind, *condition.needs} <= types
            and (condition.modality == 'both' or both)]


def corrupted_config(cfg: Config, condition: Condition) -> Config:
    """Copy of a test's config whose clips are corrupted."""
    cfg = copy.deepcopy(cfg)
    if condition.modality != 'both':
        cfg.model.modality = condition.modality
    if condition.transform is not None:
        pipeline = _pipeline(cfg)
        place = 1 + max(index for index, transform in enumerate(pipeline) if transform['type'] in condition.behind)
        pipeline.insert(place, dict(condition.transform))
    return cfg


def measure_robustness(cfg: Config, checkpoint: Path, test: Callable[[Config], dict[str, float]],
                       folder: Path) -> dict[str, dict[str, float]]:
    """Test under every condition, write `robustness.json` after each and `robustness.csv` at the end.

    An interrupted run resumes with the remaining conditions.

    Args:
        cfg: config of the test.
        checkpoint: its file.
        test: returns the metrics of a config, whose work folder is the condition's own.
        folder: for the two files and the work folders.
    Returns: name of a condition -> WAR and UAR, percent.
    Raises:
        InputError: `robustness.json` is of another checkpoint or config, or a test gives no WAR and UAR.
    """
    path, settings = folder / 'robustness.json', copy.deepcopy(cfg)
    for key in ('load_from', 'work_dir', 'launcher'):  # on which the metrics do not depend
        settings.pop(key, None)
    of = dict(checkpoint=hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
              config=hashlib.sha256(settings.pretty_text.encode()).hexdigest())
    done = _read(path, of)
    conditions = applicable(cfg)
    for condition in tqdm(conditions, unit='condition', disable=not is_main_process()):
        if condition.name not in done:
            corrupted = corrupted_config(cfg, condition)
            corrupted.work_dir = str(folder / 'robustness' / condition.folder)
            done[condition.name] = _select_metrics(test(corrupted))
            if is_main_process():
                write_json(path, dict(of=of, conditions=done))
    done = {condition.name: done[condition.name] for condition in conditions}
    if is_main_process():
        write_csv(folder / 'robustness.csv', ('condition', *METRICS),
                  [(name, *(f'{metrics[key]:.2f}' for key in METRICS)) for name, metrics in done.items()])
    return done


def robustness_table(metrics: dict[str, dict[str, float]]) -> str:
    """Format the metrics of each condition, with the loss against clean clips."""
    rows = [[name, *(f'{value:6.2f}' for key in METRICS for value in (values[key], metrics[CLEAN][key] - values[key]))]
            for name, values in metrics.items()]
    return text_table([('condition', 'WAR %', 'lost', 'UAR %', 'lost'), *rows], left=1)


def _pipeline(cfg: Config) -> list[dict]:
    dataset = cfg.test_dataloader.dataset
    while 'pipeline' not in dataset:
        if 'dataset' not in dataset:
            raise InputError(f'test_dataloader.dataset: {dataset.get("type")} has no pipeline into which corrupting '
                             'transforms could be put. --robustness takes one data set with a pipeline.')
        dataset = dataset.dataset
    return dataset.pipeline


def _select_metrics(found: dict[str, float]) -> dict[str, float]:
    missing = [name for name in METRICS if name not in found]
    if missing:
        raise InputError(f'test_evaluator: --robustness compares {" and ".join(METRICS)}, but the test gives '
                         f"{', '.join(found) or 'nothing'}. Set test_evaluator=dict(type='EmotionMetric').")
    return {name: float(found[name]) for name in METRICS}


def _read(path: Path, of: dict[str, str]) -> dict[str, dict[str, float]]:
    if not path.is_file():
        return {}
    found = read_json(path)
    if not {'of', 'conditions'} <= found.keys():
        raise InputError(f'{path}: is no file of tools/test.py --robustness. Move it away, or name another folder with '
                         '--work-dir.')
    if found['of'] != of:
        differ = ' and '.join(name for name in of if found['of'].get(name) != of[name])
        raise InputError(f'{path}: holds metrics of another {differ}. Delete it, or name another folder with '
                         '--work-dir.')
    return found['conditions']
