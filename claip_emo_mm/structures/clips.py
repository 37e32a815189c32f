"""Clips: names, labels, and samples that take the place of those that cannot be read."""
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmaction.structures import ActionDataSample

MISSING_INDEX = -1  # index of a view without frames, or without audio
VOTES = 'votes'  # metadata key of a clip: (3, K) votes of people on it, see `datasets.votes`
SKIP_REASON = 'skip_reason'  # metadata key of a skipped clip: what was wrong with it


def skipped_sample(info: Mapping[str, Any], reason: str, names: Iterable[str] = ()) -> dict[str, Any]:
    """Make the packed sample of a clip that cannot be read, with its `names` of inputs None so that it is collated."""
    from mmaction.structures import ActionDataSample
    data_sample = ActionDataSample(metainfo={**info, SKIP_REASON: reason}).set_gt_label(info['label'])
    return dict(inputs=dict.fromkeys(names), data_samples=data_sample)


def input_names(sample: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Names of the inputs of a packed sample; None for MMAction2's recognizers, which have none."""
    inputs = sample.get('inputs')
    return tuple(inputs) if isinstance(inputs, Mapping) else None


def is_skipped(data_sample: 'ActionDataSample') -> bool:
    return SKIP_REASON in data_sample.metainfo_keys()


def top_label(data_sample: 'ActionDataSample') -> int:
    """Class of a clip; of a soft label (K,) the largest."""
    label = data_sample.gt_label
    return int(label) if label.numel() == 1 else int(label.argmax())


def clip_name(data_sample: 'ActionDataSample') -> str:
    """Name a clip by its file or folder, else by its number in the data set."""
    return str(media_name(data_sample) or data_sample.get('sample_idx'))


def media_name(info: 'Mapping[str, Any] | ActionDataSample') -> str | None:
    """Name a clip by its file or folder; by its audio file where it has no frames."""
    return info.get('filename') or info.get('frame_dir') or info.get('audio_path')
