"""Clips that could not be read and are left out of their batch, by choice."""
from collections.abc import Mapping, Sequence
from typing import Any

from mmaction.structures import ActionDataSample

from claip_emo_mm.errors import InputError

SKIP_REASON = 'skip_reason'  # a fact of the data sample of a clip that is left out: what was wrong with it


def skipped_sample(info: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Make the packed sample of a clip that cannot be read.

    Args:
        info: what the data set knows of the clip.
        reason: the error's message.
    Returns: `inputs`, empty, and `data_samples` with the label and the reason.
    """
    data_sample = ActionDataSample(metainfo={**info, SKIP_REASON: reason}).set_gt_label(info['label'])
    return dict(inputs={}, data_samples=data_sample)


def fill_places(samples: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give skipped samples the input names of the others, with None for values, so that a batch can be collated.

    Raises:
        InputError: the others are packed for a recognizer of the host, which knows no empty places.
    """
    empty = [sample for sample in samples if _is_empty(sample)]
    if not empty:
        return list(samples)
    names: Mapping[str, Any] = next((sample['inputs'] for sample in samples if not _is_empty(sample)), {})
    if not isinstance(names, Mapping):
        raise InputError(f"{empty[0]['data_samples'].get(SKIP_REASON)} (on_error='skip' leaves it out only of batches "
                         "that PackAudioVisualInputs packs: set on_error='raise' for other recognizers.)")
    return [dict(sample, inputs=dict.fromkeys(names)) if _is_empty(sample) else sample for sample in samples]


def is_skipped(data_sample: ActionDataSample) -> bool:
    """Whether this clip has no inputs."""
    return SKIP_REASON in data_sample.metainfo_keys()


def clip_name(data_sample: ActionDataSample) -> str:
    """Name a clip by its file or folder, else by its number in the data set."""
    return str(media_name(data_sample) or data_sample.get('sample_idx'))


def media_name(info: Mapping[str, Any] | ActionDataSample) -> str | None:
    """Name a clip by its file or folder; by the sound's where it has no picture."""
    return info.get('filename') or info.get('frame_dir') or info.get('audio_path')


def _is_empty(sample: dict[str, Any]) -> bool:
    inputs = sample.get('inputs')
    return isinstance(inputs, Mapping) and not inputs
