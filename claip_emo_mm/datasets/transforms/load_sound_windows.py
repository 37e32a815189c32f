"""Reading the sound of a clip's views."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.left_out import LEFT_OUT
from claip_emo_mm.datasets.sound_windows import fill_window, window_bounds
from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError
from claip_emo_mm.media import RESAMPLERS, resample
from claip_emo_mm.media.mixdown import SILENT, is_silent
from claip_emo_mm.utils import check_positive, check_whole


@TRANSFORMS.register_module()
class LoadSoundWindows(BaseTransform):
    """Read the sound that belongs to each view, each distinct window once.

    The rule of the reference recipe: the part that matches the frames where it is at least `window_s` long; otherwise
    the whole track, repeated as often as it fits and padded with zeros. Of a track longer than `window_s`, a shorter
    part is itself repeated and padded (the reference gives silence there).

    Reads `clip` and `audio_spans` (V, 2). Adds `audios`, A arrays of at least `window_s` seconds, float32;
    `audio_index` (V,), positions in them; `sample_rate_hz`; `sound_missing`; and `sound_note`, what is to be known of
    the sound: that its channels cancel each other, or that there is nothing to hear.

    Args:
        sample_rate_hz: rate to resample to.
        window_s: length of a window.
        resampler: 'sinc' for the reference recipe's short filter, 'soxr' for one without mirror images; a model keeps
            to the one that it was trained with. See `claip_emo_mm.media.resample`.
        on_missing: what to do with a clip without sound: 'error', 'silence' for zeros, or 'leave_out'. The latter gives
            zeros, too, which the transforms behind can work on and `PackAudioVisualInputs` takes out; `audio_index` is
            -1.

    Raises:
        InputError: the clip has no sound, or sound that cannot be decoded; `resampler` is none; or a number is not
            above 0.
    """

    def __init__(self, sample_rate_hz: int = 48000, window_s: float = 10.0, resampler: str = 'sinc',
                 on_missing: str = 'error') -> None:
        if on_missing not in ('error', 'silence', 'leave_out'):
            raise InputError(f"LoadSoundWindows: on_missing is {on_missing!r}. Expected 'error', 'silence' or "
                             "'leave_out'.")
        if resampler not in RESAMPLERS:
            raise InputError(f'LoadSoundWindows: resampler is {resampler!r}. Expected '
                             f'{" or ".join(map(repr, RESAMPLERS))}.')
        check_whole(self, sample_rate_hz=sample_rate_hz)
        check_positive(self, window_s=window_s)
        self.sample_rate_hz = sample_rate_hz
        self.resampler = resampler
        self.window_samples = round(window_s * sample_rate_hz)
        self.on_missing = on_missing

    def transform(self, results: dict) -> dict:
        check_keys(self, results, clip='OpenAudioVisualClip', audio_spans='SampleFrameViews')
        clip, spans, note = results['clip'], results['audio_spans'], ''
        if clip.has_sound:
            samples, sample_rate_hz = clip.sound()
            note = getattr(clip, 'sound_note', '')
            if is_silent(samples):
                note = f'there is nothing to hear: no sample is above {SILENT:g} of 1'
            track = resample(samples, sample_rate_hz, self.sample_rate_hz, self.resampler)
            bounds = np.array([window_bounds(span, len(track), self.window_samples) for span in spans])  # (V, 2)
            distinct, index = np.unique(bounds, axis=0, return_inverse=True)
            audios = [fill_window(track[start:end], self.window_samples) for start, end in distinct]
        elif self.on_missing != 'error':
            audios = [np.zeros(self.window_samples, np.float32)]
            index = np.full(len(spans), 0 if self.on_missing == 'silence' else LEFT_OUT)
        else:
            raise InputError(f"{clip.path}: the clip has no sound. Use a file with sound, or a model without the audio "
                             "modality, or set on_missing='silence' or 'leave_out' in LoadSoundWindows.")
        return dict(results, audios=audios, audio_index=index.reshape(-1), sample_rate_hz=self.sample_rate_hz,
                    sound_missing=not clip.has_sound, sound_note=note)
