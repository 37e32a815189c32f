"""Warnings of an inference: missing modalities, silence, times without frames or a face, files that are cut off."""
import math

from claip_emo_mm.apis.windows import SlidingWindows
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio_signal import SILENT
from claip_emo_mm.media.stream import FileStream, MediaStream

_SHORT_S = .05  # rounding of window and stride to ticks
_MIN_MISSING_S = .5  # of frames at the end; in most files the audio is a little longer


def modality_warnings(source: MediaStream, reads_frames: bool, reads_audio: bool) -> list[str]:
    """Name the modality that the model reads and the input lacks.

    Raises:
        InputError: it lacks all that the model reads.
    """
    read = {name: has for name, is_read, has in (('frames', reads_frames, source.has_frames),
                                                 ('audio', reads_audio, source.has_audio)) if is_read}
    if not any(read.values()):
        raise InputError(f'{source.name}: has no {" or ".join(read)}, and this model reads nothing else.')
    return [f'no {name}: predicted from {_other(name)} alone' for name, has in read.items() if not has]


def final_warnings(source: MediaStream, windows: SlidingWindows, reads_frames: bool, reads_audio: bool) -> list[str]:
    """What is known once the input was read: silence, times without frames, a face or a window, a file cut off."""
    warnings = [f'no face {start:.1f}-{end:.1f} s' for start, end in windows.no_face()]
    if reads_frames and source.has_frames and windows.end_s - windows.frames_end_s >= _MIN_MISSING_S:
        based = f': predicted from {_other("frames")} alone' if reads_audio else ''
        warnings.append(f'no frames after {windows.frames_end_s:.1f} s{based}')
    if windows.stride_s > windows.window_s + _SHORT_S and windows.end_s > windows.window_s + _SHORT_S:
        warnings.append(f'{windows.stride_s - windows.window_s:.1f} of every {windows.stride_s:.1f} s are not judged: '
                        'the stride is longer than the window')
    peak = max(windows.audio.envelope, default=0.)
    if reads_audio and source.has_audio and peak < SILENT:
        warnings.append(f'the audio is silent ({_decibels(peak)}): the silence was scored as audio')
    if isinstance(source, FileStream):
        stated_s = source.duration_s if reads_frames or not source.has_frames else None
        if source.missing_end:
            warnings.append(f'the file is cut off: {source.missing_end}')
        elif stated_s and windows.end_s < .98 * stated_s - .1:
            warnings.append(f'{windows.end_s:.1f} s can be read, the file states {stated_s:.1f} s: cut off?')
    return warnings


def _other(name: str) -> str:
    return 'frames' if name == 'audio' else 'audio'


def _decibels(peak: float) -> str:
    return f'its peak is {20 * math.log10(peak):.0f} dB' if peak > 0 else 'every sample is 0'
