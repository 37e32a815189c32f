"""Clips that could not be read and are left out of their batch, by choice."""
from collections.abc import Iterable, Mapping
from typing import Any

from mmaction.structures import ActionDataSample

SKIP_REASON = 'skip_reason'  # a fact of the data sample of a clip that is left out: what was wrong with it


def skipped_sample(info: Mapping[str, Any], reason: str, names: Iterable[str] = ()) -> dict[str, Any]:
    """Make the packed sample of a clip that cannot be read.

    Args:
        info: what the data set knows of the clip.
        reason: the error's message.
        names: of the inputs of clips that can be read, so that they are collated together.
    Returns: `inputs`, None for each name, and `data_samples` with the label and the reason.
    """
    data_sample = ActionDataSample(metainfo={**info, SKIP_REASON: reason}).set_gt_label(info['label'])
    return dict(inputs=dict.fromkeys(names), data_samples=data_sample)


def input_names(sample: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Name the inputs of a packed sample; None where they have no names, as those of the host's recognizers."""
    inputs = sample.get('inputs')
    return tuple(inputs) if isinstance(inputs, Mapping) else None


def is_skipped(data_sample: ActionDataSample) -> bool:
    """Whether this clip has no inputs."""
    return SKIP_REASON in data_sample.metainfo_keys()


def clip_name(data_sample: ActionDataSample) -> str:
    """Name a clip by its file or folder, else by its number in the data set."""
    return str(media_name(data_sample) or data_sample.get('sample_idx'))


def media_name(info: Mapping[str, Any] | ActionDataSample) -> str | None:
    """Name a clip by its file or folder; by the sound's where it has no picture."""
    return info.get('filename') or info.get('frame_dir') or info.get('audio_path')
