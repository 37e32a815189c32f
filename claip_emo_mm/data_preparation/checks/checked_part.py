"""The data sets that a config reads, as the checks see them: their lists, before any file is opened."""
from dataclasses import dataclass
from typing import Any

from mmaction.registry import DATASETS
from mmengine.config import Config

from claip_emo_mm.datasets.annotation_list import ListedClip
from claip_emo_mm.datasets.audio_visual_dataset import AudioVisualDataset
from claip_emo_mm.datasets.skipped_clips import media_name
from claip_emo_mm.engine.data_lists import find_dataset
from claip_emo_mm.errors import InputError

PARTS = ('train', 'val', 'test')


@dataclass(frozen=True)
class CheckedPart:
    """One data set of a config.

    Args:
        name: ``'train'``, ``'val'`` or ``'test'``.
        dataset: built, but not loaded.
        clips: its rows.
        needs_pictures, needs_sound: what its pipeline reads.
        silence_allowed: whether clips without sound are heard as silence, or do without it.
        picture_optional: whether clips without picture do without it.
    """

    name: str
    dataset: AudioVisualDataset
    clips: tuple[ListedClip, ...]
    needs_pictures: bool
    needs_sound: bool
    silence_allowed: bool
    picture_optional: bool = False

    @property
    def path(self) -> str:
        """The list."""
        return self.dataset.ann_file

    def key(self, clip: ListedClip) -> tuple[str, str]:
        """The files of a clip: pictures, and sound where it lies apart; twice the sound where it has no pictures."""
        media = self.dataset.media(clip)
        return media_name(media), media.get('audio_path', '')

    def looks_at(self, clip: ListedClip) -> bool:
        """Whether the pictures of a clip are needed."""
        return self.needs_pictures and not (clip.is_sound_alone and self.picture_optional)


def read_parts(cfg: Config) -> tuple[CheckedPart, ...]:
    """Read the lists of a config's data sets.

    Raises:
        InputError: the config has no data set of ours, or a list cannot be read.
    """
    parts = [_read_part(name, dataset) for name in PARTS if (dataset := find_dataset(cfg, name)) is not None]
    if not parts:
        raise InputError('The config has no data set to check: expected AudioVisualDataset, DFEWDataset or MAFWDataset '
                         'in train_dataloader, val_dataloader or test_dataloader.')
    return tuple(parts)


def _read_part(name: str, settings: dict[str, Any]) -> CheckedPart:
    pipeline = {transform['type']: transform for transform in settings['pipeline']}
    dataset = DATASETS.build(dict(settings, pipeline=[], lazy_init=True))
    sound = pipeline.get('LoadSoundWindows')
    picture = pipeline.get('DecodeFrames')
    return CheckedPart(name, dataset, tuple(dataset.listed_clips()), picture is not None, sound is not None,
                       sound is not None and sound.get('on_missing') in ('silence', 'leave_out'),
                       picture is not None and picture.get('on_missing') == 'leave_out')
