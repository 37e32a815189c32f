"""The splits that are checked, and the issues that are found."""
from collections.abc import Sequence
from dataclasses import dataclass

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
    """A problem, or a note, that a check found."""
    check: str  # name of the check
    severity: str  # ``'error'``: training or its metrics would be wrong; ``'warning'``: look at it; ``'note'``: to know
    where: str  # the list, or the key of the config
    found: str  # what was found, in a line
    hint: str = ''  # what to do; '' for a note
    clips: Sequence[str] = ()  # the affected clips, as the list names them


@dataclass(frozen=True)
class CheckedSplit:
    """A split of a config, its annotation list, and what its pipeline reads."""
    name: str
    dataset: AudioVisualDataset  # built, but not loaded
    clips: tuple[ListedClip, ...]
    needs_frames: bool
    needs_audio: bool
    silence_allowed: bool  # also where a missing modality is masked
    frames_optional: bool = False

    @property
    def path(self) -> str:
        return self.dataset.ann_file

    def key(self, clip: ListedClip) -> tuple[str, str]:
        """The files of a clip: frames, and a separate audio file or ''; twice the audio where it has no frames."""
        media = self.dataset.media(clip)
        return media_name(media), media.get('audio_path', '')

    def issue(self, check: str, severity: str, found: str, hint: str = '',
              clips: Sequence[ListedClip] = ()) -> Issue:
        """Make an issue of this split's list."""
        return Issue(check, severity, self.path, found, hint, [clip.name for clip in clips])


def read_splits(cfg: Config) -> list[CheckedSplit]:
    """Read the annotation lists of a config's train, val and test split."""
    splits = []
    for name in ('train', 'val', 'test'):
        settings = find_dataset(cfg, name)
        if settings is None:
            continue
        pipeline = {transform['type']: transform for transform in settings['pipeline']}
        dataset = DATASETS.build(dict(settings, pipeline=[], lazy_init=True))
        frames, audio = pipeline.get('DecodeFrames'), pipeline.get('LoadAudioWindows')
        splits.append(CheckedSplit(name, dataset, tuple(dataset.listed_clips()), frames is not None, audio is not None,
                                   audio is not None and audio.get('on_missing') in ('silence', 'mask'),
                                   frames is not None and frames.get('on_missing') == 'mask'))
    if not splits:
        raise InputError('The config has no data set to check: expected AudioVisualDataset, DFEWDataset or MAFWDataset '
                         'in train_dataloader, val_dataloader or test_dataloader.')
    return splits
