"""The parts of a pipeline whose results are kept: sampling of views, frames, and audio windows."""
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from claip_emo_mm.errors import InputError

MODALITIES = ('visual', 'audio')
_FIRST = {'visual': 'DecodeFrames', 'audio': 'LoadAudioWindows'}
# What gives the same for a frame or an audio window whenever it is called.
_FIXED = ('DecodeFrames', 'ResizeFrames', 'LoadAudioWindows', 'LogMel')
_AUDIO = ('LogMel', 'RandomRollGain', 'AddAudioNoise')  # the others of the package are called ...Frames
_ID_BITS = 31  # of the last sample in the number of an audio window


@dataclass(frozen=True)
class PipelineParts:
    """Configs of a pipeline's transforms: sampling, those of each modality in order, and packing."""
    sampler: dict[str, Any]
    chains: dict[str, list[dict[str, Any]]]  # modality -> transforms
    pack: dict[str, Any]

    def is_fixed(self, modality: str) -> bool:
        """Whether a frame or an audio window comes out the same in every augmented version of a clip."""
        return all(step['type'] in _FIXED for step in self.chains[modality])


def split_pipeline(steps: Sequence[Mapping[str, Any]]) -> PipelineParts:
    """Divide OpenAudioVisualClip, SampleFrameViews, the transforms of both modalities, PackAudioVisualInputs.

    Raises:
        InputError: the pipeline is another.
    """
    kinds = [getattr(step.get('type'), '__name__', step.get('type')) for step in steps]  # names or classes
    names = [str(kind).rpartition('.')[2] for kind in kinds]
    if names[:2] != ['OpenAudioVisualClip', 'SampleFrameViews'] or names[-1:] != ['PackAudioVisualInputs']:
        raise InputError('features are kept for pipelines that begin with OpenAudioVisualClip and SampleFrameViews and '
                         f'end with PackAudioVisualInputs, but this one is {", ".join(names) or "empty"}. Set '
                         'feature_cache=None to train without a cache.')
    chains: dict[str, list[dict[str, Any]]] = {}
    current = None
    for name, step in zip(names[2:-1], steps[2:-1], strict=True):
        current = next((modality for modality, first in _FIRST.items() if name == first), current)
        if current is None:
            raise InputError(f'features cannot be kept of a pipeline with {name} before '
                             f'{" and ".join(_FIRST.values())}. Take it out, or set feature_cache=None.')
        modality = 'visual' if name.endswith('Frames') else 'audio' if name in _AUDIO else current
        if modality != current:
            raise InputError(f'features are kept of pipelines with the transforms of each modality together, but '
                             f'{name} is behind {_FIRST[current]}. Put it directly behind {_FIRST[modality]} and the '
                             f'other {modality} transforms.')
        chains.setdefault(current, []).append(dict(step, type=name))
    return PipelineParts(dict(steps[1]), chains, dict(steps[-1]))


@contextmanager
def seeded(clip: bytes, version: int) -> Iterator[None]:
    """Seed the generators by a clip and one of its augmented versions; afterwards they go on where they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    seed = np.random.SeedSequence([int.from_bytes(clip[:8], 'big'), version]).generate_state(1)[0]
    random.seed(int(seed))
    np.random.seed(seed)
    torch.default_generator.manual_seed(int(seed))
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def window_ids(bounds: np.ndarray) -> np.ndarray:
    """Number audio windows by their bounds (A, 2), in samples of the track; (A,) int64."""
    bounds = np.asarray(bounds, np.int64).reshape(-1, 2)
    return (bounds[:, 0] << _ID_BITS) | bounds[:, 1]
