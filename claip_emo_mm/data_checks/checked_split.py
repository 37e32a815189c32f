"""Splits under check, and issues found."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmaction.registry import DATASETS
from mmengine.config import Config

from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.datasets.audio_visual import AudioVisualDataset
from claip_emo_mm.engine.config_checks import find_dataset
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import media_name

ERROR, WARNING, NOTE = 'error', 'warning', 'note'


@dataclass(frozen=True)
class Issue:
    """What a check found.

    Args:
        check: name of the check.
        severity: ``'error'``: training or its metrics would be wrong; ``'warning'``: look at it; ``'note'``: to know.
        where: the list, or the split of the config.
        found: what was found, in a line.
        hint: what to do; '' for a note.
        clips: the clips that it concerns, as the list names them.
    """

    check: str
    severity: str
    where: str
    found: str
    hint: str = ''
    clips: Sequence[str] = ()


SPLITS = ('train', 'val', 'test')


@dataclass(frozen=True)
class CheckedSplit:
    """One data set of a config.

    Args:
        name: ``'train'``, ``'val'`` or ``'test'``.
        dataset: built, but not loaded.
        clips: its rows.
        needs_frames, needs_audio: what its pipeline reads.
        silence_allowed: whether clips without audio are heard as silence, or do without it.
        frame_optional: whether clips without frames do without it.
    """

    name: str
    dataset: AudioVisualDataset
    clips: tuple[ListedClip, ...]
    needs_frames: bool
    needs_audio: bool
    silence_allowed: bool
    frame_optional: bool = False

    @property
    def path(self) -> str:
        """The list."""
        return self.dataset.ann_file

    def key(self, clip: ListedClip) -> tuple[str, str]:
        """The files of a clip: frames, and audio where it lies apart; twice the audio where it has no frames."""
        media = self.dataset.media(clip)
        return media_name(media), media.get('audio_path', '')

    def looks_at(self, clip: ListedClip) -> bool:
        """Whether the frames of a clip are needed."""
        return self.needs_frames and not (clip.is_audio_alone and self.frame_optional)


def read_splits(cfg: Config) -> tuple[CheckedSplit, ...]:
    """Read the lists of a config's data sets.

    Raises:
        InputError: the config has no data set of ours, or a list cannot be read.
    """
    splits = [_read_split(name, dataset) for name in SPLITS if (dataset := find_dataset(cfg, name)) is not None]
    if not splits:
        raise InputError('The config has no data set to check: expected AudioVisualDataset, DFEWDataset or MAFWDataset '
                         'in train_dataloader, val_dataloader or test_dataloader.')
    return tuple(splits)


def _read_split(name: str, settings: dict[str, Any]) -> CheckedSplit:
    pipeline = {transform['type']: transform for transform in settings['pipeline']}
    dataset = DATASETS.build(dict(settings, pipeline=[], lazy_init=True))
    audio = pipeline.get('LoadAudioWindows')
    frame = pipeline.get('DecodeFrames')
    return CheckedSplit(name, dataset, tuple(dataset.listed_clips()), frame is not None, audio is not None,
                       audio is not None and audio.get('on_missing') in ('silence', 'mask'),
                       frame is not None and frame.get('on_missing') == 'mask')
