"""Checks of a small set like DFEW, for the tests of this folder."""
import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mmengine.config import Config

from claip_emo_mm.data_checks.check_data import DataCheck, check_data
from claip_emo_mm.data_checks.checked_split import NOTE, Issue
from claip_emo_mm.datasets.annotations import read_annotation_list
from claip_emo_mm.faces.detector import FaceBox

TRAIN = [f'{number:05d}' for number in range(1, 15)]


class FixedDetector:
    """Finds one face of a given ratio of the frame's side in every frame."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        side = self.ratio * frame.shape[0]
        return [FaceBox(0, 0, side, side, .9)] if side else []


def check(cfg: Config, tree: Path, **options: object) -> DataCheck:
    return check_data(cfg, tree.parent / 'clips.jsonl', detector=FixedDetector(.8), **options)


def found_by(outcome: DataCheck, name: str) -> list[Issue]:
    return [issue for issue in outcome.issues if issue.check == name and issue.severity != NOTE]


def only(outcome: DataCheck, name: str) -> Issue:
    """The one issue that is no note."""
    grave = [issue for issue in outcome.issues if issue.severity != NOTE]
    assert [issue.check for issue in grave] == [name], grave
    return grave[0]


def rewrite(path: Path, change: Callable[[list[dict]], list[dict]]) -> None:
    with open(path, newline='') as file:
        rows = list(csv.DictReader(file))
    with open(path, 'w', newline='') as file:
        writer = csv.DictWriter(file, ('frames', 'audio', 'label'))
        writer.writeheader()
        writer.writerows(change(rows))


def fixed_names(outcome: DataCheck, split: str) -> list[str]:
    """Clips of the corrected list of a split."""
    written = {checked.name: path for checked, (path, _) in outcome.write_fixed_lists().items()}
    return [clip.frames[-5:] for clip in read_annotation_list(written[split])]
