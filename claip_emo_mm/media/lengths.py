"""What a file states of its length."""
import os
import re

import av

from claip_emo_mm.media.streams import audio_stream, video_stream


def stated_duration_s(container: av.container.InputContainer, path: str) -> float | None:
    """From the beginning of a file to the stated end of the streams that are read; None where the file says nothing.

    Subtitles or a second video may be longer.
    """
    if not container.duration or is_unfinished(container, path):
        return None
    whole_s, origin_s = container.duration / 1e6, (container.start_time or 0) / 1e6  # both in microseconds
    ends_s = [_stated_end_s(stream) for stream in (video_stream(container), audio_stream(container)) if stream]
    if not ends_s or None in ends_s:
        return whole_s
    return min(max(ends_s) - origin_s, whole_s)


def is_unfinished(container: av.container.InputContainer, path: str) -> bool:
    """Whether an avi file was written into a pipe, or its recording broke off: its lengths were never filled in."""
    return container.format.name == 'avi' and _riff_size(path) in (0, 0xFFFFFFFF)


def found_share(path: str) -> float:
    """How much of an avi file is there; FFmpeg shortens the lengths that it states to what is there."""
    return min(1., os.path.getsize(path) / (8 + _riff_size(path)))


def _riff_size(path: str) -> int:
    with open(path, 'rb') as file:
        return int.from_bytes(file.read(8)[4:], 'little')


def _stated_end_s(stream: av.stream.Stream) -> float | None:
    if stream.duration:
        return float((stream.duration + (stream.start_time or 0)) * stream.time_base)
    found = re.match(r'(\d+):(\d+):(\d+\.?\d*)', stream.metadata.get('DURATION', ''))  # Matroska
    return found and sum(float(part) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True))
