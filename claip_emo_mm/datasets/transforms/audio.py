"""Audio windows and their augmentation."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.transforms.loading import check_keys
from claip_emo_mm.errors import InputError, check_choice, check_positive, check_whole
from claip_emo_mm.media.audio_signal import RESAMPLERS, SILENT, is_silent, resample
from claip_emo_mm.structures import MISSING_INDEX


def window_bounds(span: tuple[float, float], track_samples: int, window_samples: int) -> tuple[int, int]:
    """Choose first and last + 1 sample for a view whose frames cover `span` (fractions) of the track.

    A track no longer than a window is taken as a whole; an empty span of a longer one is the window that begins there.
    """
    start, end = (int(fraction * track_samples) for fraction in span)
    if track_samples <= window_samples:
        return 0, track_samples
    if end <= start:
        start = min(start, track_samples - window_samples)
        end = start + window_samples
    return start, end


def fill_window(samples: np.ndarray, window_samples: int) -> np.ndarray:
    """Repeat (n,) samples as often as they fit in a window and pad with zeros; (at least `window_samples`,) float32."""
    if len(samples) >= window_samples:
        return samples
    repeated = np.tile(samples, window_samples // len(samples))
    return np.pad(repeated, (0, window_samples - len(repeated)))


@TRANSFORMS.register_module()
class LoadAudioWindows(BaseTransform):
    """Read the audio of each view, each distinct window once.

    As in the reference recipe: the audio of the frames where it is at least `window_s` long; otherwise the whole track,
    repeated as often as it fits and padded with zeros. Of a track longer than `window_s`, the shorter audio of the
    frames is itself repeated and padded (the reference has silence there).

    Reads `clip` and `audio_spans` (V, 2). Adds `audios`, A arrays of at least `window_s` seconds, float32;
    `audio_index` (V,), positions in them; `audio_bounds` (A, 2), first and last + 1 sample of each, and `track_samples`
    of all audio (None without any); `sample_rate_hz`; `audio_missing`; and `audio_note`: that the channels cancel each
    other, or that the audio is silent.

    Args:
        sample_rate_hz: rate to resample to.
        window_s: length of a window.
        resampler: that of the model's training; see `claip_emo_mm.media.resample`.
        on_missing: without audio: 'error', 'silence', or 'mask': zeros that are not packed, and `audio_index` -1.
    Raises:
        InputError: the clip has no audio, or audio that cannot be decoded; or an option is invalid.
    """

    def __init__(self, sample_rate_hz: int = 48000, window_s: float = 10.0, resampler: str = 'sinc',
                 on_missing: str = 'error') -> None:
        check_choice(self, ('error', 'silence', 'mask'), on_missing=on_missing)
        check_choice(self, RESAMPLERS, resampler=resampler)
        check_whole(self, sample_rate_hz=sample_rate_hz)
        check_positive(self, window_s=window_s)
        self.sample_rate_hz = sample_rate_hz
        self.resampler = resampler
        self.window_samples = round(window_s * sample_rate_hz)
        self.on_missing = on_missing

    def transform(self, results: dict) -> dict:
        check_keys(self, results, clip='OpenAudioVisualClip', audio_spans='SampleFrameViews')
        clip, spans, note, track = results['clip'], results['audio_spans'], '', None
        if clip.has_audio:
            samples, sample_rate_hz = clip.audio()
            note = getattr(clip, 'audio_note', '')
            if is_silent(samples):
                note = f'the audio is silent: no sample is above {SILENT:g} of 1'
            track = resample(samples, sample_rate_hz, self.sample_rate_hz, self.resampler)
        else:
            self.check_missing(clip.path)
        bounds, index = self.locate(spans, None if track is None else len(track))
        audios = [np.zeros(self.window_samples, np.float32) if track is None else
                  fill_window(track[start:end], self.window_samples) for start, end in bounds]
        return dict(results, audios=audios, audio_index=index, audio_bounds=bounds, sample_rate_hz=self.sample_rate_hz,
                    track_samples=None if track is None else len(track), audio_missing=not clip.has_audio,
                    audio_note=note)

    def check_missing(self, path: str) -> None:
        """Raise an `InputError` about a clip without audio, where `on_missing` is 'error'."""
        if self.on_missing == 'error':
            raise InputError(f"{path}: the clip has no audio. Use a file with audio, or a model without the audio "
                             "modality, or set on_missing='silence' or 'mask' in LoadAudioWindows.")

    def locate(self, spans: np.ndarray, track_samples: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Find the distinct windows (A, 2), first and last + 1 sample, of spans (V, 2), and their positions (V,).

        A clip without audio, of None samples, has one empty window.
        """
        if track_samples is None:
            missing = 0 if self.on_missing == 'silence' else MISSING_INDEX
            return np.zeros((1, 2), np.int64), np.full(len(spans), missing)
        bounds = [window_bounds(span, track_samples, self.window_samples) for span in spans]
        distinct = sorted(set(bounds))
        return np.array(distinct), np.array([distinct.index(window) for window in bounds])


@TRANSFORMS.register_module()
class RandomRollGain(BaseTransform):
    """Scale the audio by a gain of Beta(10, 10) + 0.5, and roll it to begin at a random sample; for training only.

    The reference's code also scales test audio, which makes test scores random. Reads and replaces `audios`, A arrays
    (n,) float32, each with a gain of its own.

    Args:
        roll: begin at a random sample. The reference recipe means to, but samples below the number of channels, 1.
    """

    def __init__(self, roll: bool = False) -> None:
        self.roll = roll

    def transform(self, results: dict) -> dict:
        check_keys(self, results, audios='LoadAudioWindows')
        return dict(results, audios=[self._augment(samples) for samples in results['audios']])

    def _augment(self, samples: np.ndarray) -> np.ndarray:
        if self.roll:
            samples = np.roll(samples, np.random.randint(len(samples)))
        return samples * np.float32(np.random.beta(10, 10) + 0.5)
