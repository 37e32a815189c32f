"""Test of a model on another data set than its own, by the classes that both have."""
from dataclasses import asdict, dataclass
from typing import Any

from mmaction.registry import DATASETS
from mmengine.config import Config, ConfigDict

from claip_emo_mm.engine.config_checks import build_lazily, default_scope, find_dataset, type_name
from claip_emo_mm.errors import InputError


@dataclass(frozen=True)
class CrossCorpus:
    """Which classes a test on another data set compares."""
    classes: list[str]  # that both have, by the model's names and in its order
    model_only: list[str]  # whose scores are left out
    data_only: list[str]  # whose clips are left out
    clips: int  # number of clips that are tested
    clips_left_out: int

    def lines(self, title: str) -> str:
        """What is compared and what is left out, in words."""
        return (f'{title}: {len(self.classes)} classes in common ({", ".join(self.classes)}). Left out: scores of '
                f'{", ".join(self.model_only) or "none"}; {self.clips_left_out} clips, of '
                f'{", ".join(self.data_only) or "none"}. {self.clips} clips are tested.')

    def details(self) -> dict[str, Any]:
        """The same for a json file."""
        return asdict(self)


def set_test_data(cfg: Config, other: Config) -> CrossCorpus:
    """Replace the test data set of a config by that of another one, with the model's own test pipeline.

    The evaluators `EmotionMetric` compare the classes that both have: clips of classes that the model lacks are left
    out, and scores of classes that the data set lacks.

    Raises:
        InputError: a config has no data set of this package to test on, or the two have no two classes in common.
    """
    with default_scope(cfg):
        here, there = find_dataset(cfg, 'test'), find_dataset(other, 'test')
        for config, found in ((cfg, here), (other, there)):
            if found is None:
                raise InputError(f'{config.filename}: no data set of this package in test_dataloader, which --on '
                                 'needs: AudioVisualDataset, FoldDataset, CorpusDataset, DFEWDataset, MAFWDataset.')
        classes = build_lazily(here).metainfo['classes']
        mapped = dict(type='MappedClassesDataset', classes=classes,
                      dataset=dict(there, pipeline=here['pipeline'], test_mode=True))
        built = DATASETS.build(dict(mapped, dataset=dict(mapped['dataset'], pipeline=[])))
    common = [classes[label] for label in built.common]
    found = CrossCorpus(common, [name for name in classes if name not in common], built.missing, len(built),
                        len(built.dataset) - len(built))
    cfg.test_dataloader.dataset = ConfigDict(mapped)
    evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, list | tuple) else [cfg.test_evaluator]
    cfg.test_evaluator = [ConfigDict(dict(evaluator, classes=common)) if type_name(evaluator['type']) == 'EmotionMetric'
                          else evaluator for evaluator in evaluators]
    return found
