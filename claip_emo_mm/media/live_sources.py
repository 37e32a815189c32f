"""Opening of cameras, microphones and streams, which have no end."""
import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from importlib.util import find_spec
from typing import Any, Protocol

import av
import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.containers import best_stream

SCHEMES = ('rtsp', 'rtsps', 'rtmp', 'rtmps', 'http', 'https', 'udp', 'tcp', 'srt', 'rtp')
CAMERA_FORMAT, MICROPHONE_FORMAT = 'video4linux2,v4l2', 'alsa'
DEFAULT_DEVICE = 'default'
TIMEOUT_S = 10.  # of a server that sends nothing

# What a playlist or a session may open: never files of this machine.
_PROTOCOLS = 'crypto,hls,http,httpproxy,https,rtmp,rtmpe,rtmps,rtmpt,rtp,rtsp,rtsps,srt,srtp,tcp,tls,udp'
_AT_ONCE = {'analyzeduration': '1000000'}  # in microseconds; FFmpeg looks for 5 s otherwise
_SECRET = re.compile(r'(?<=://)[^/@]*@|\?.*')
_ALSA_CONFIG = '/usr/share/alsa/alsa.conf'  # PyAV's wheel looks for it where it was built
_SOUND_CARDS = '/dev/snd'
_BLOCK_S = .02


class LiveSource(Protocol):
    """An opened camera, microphone or stream."""

    name: str  # for messages, without passwords
    is_paced: bool  # a recording, which its server sends faster than it plays
    has_frames: bool
    has_audio: bool

    def decode(self) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """Yield frames and audio as they come; closes the source at the end."""
        ...


class ContainerSource:
    """A device or an address that FFmpeg reads.

    Args:
        name: for messages.
        place: device, or address.
        hint: what to do where it cannot be opened.
        kinds: what is read of it.
        form: FFmpeg's name of the device; None for an address.
        options: of FFmpeg.
    Raises:
        InputError: it cannot be opened, or has nothing that is read.
    """

    def __init__(self, name: str, place: str, hint: str, kinds: tuple[str, ...] = ('video', 'audio'),
                 form: str | None = None, options: dict[str, str] | None = None) -> None:
        self.name = name
        try:
            self._container = av.open(place, format=form, options=options or {}, timeout=TIMEOUT_S)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, 'strerror', None) or str(error).partition('\n')[0]
            raise InputError(f'{name}: cannot be opened ({reason}). {hint}') from error
        streams = {kind: best_stream(self._container, kind) for kind in kinds}
        self._streams = [stream for stream in streams.values() if stream is not None]
        self.has_frames, self.has_audio = (streams.get(kind) is not None for kind in ('video', 'audio'))
        self._is_address = form is None
        self.is_paced = self._is_address and bool(self._container.duration)
        if not self._streams:
            self._container.close()
            raise InputError(f'{name}: sends neither frames nor audio. {hint}')

    def decode(self) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """See `LiveSource`; what cannot be decoded, such as frames before the first whole one, is skipped."""
        has_begun = False
        with self._container as container:
            try:
                for packet in container.demux(self._streams):
                    with suppress(av.error.InvalidDataError):
                        for frame in packet.decode():
                            has_begun = True
                            yield frame
            except av.error.FFmpegError as error:
                # What FFmpeg says where a server closes a connection whose length it did not state.
                if error.errno != errno.EIO or not self._is_address:
                    raise
        if not has_begun:
            raise InputError('nothing came that can be decoded. Download a recording, and name the file')


class SoundDeviceSource:
    """A microphone by the package sounddevice, which knows those of PulseAudio and PipeWire."""

    has_frames, has_audio, is_paced = False, True, False

    def __init__(self, name: str, device: str) -> None:
        self.name = name
        try:
            import sounddevice
            wanted: Any = None if device == DEFAULT_DEVICE else int(device) if device.isdecimal() else device
            self._input = sounddevice.InputStream(device=wanted, channels=1, dtype='float32')
            self._input.start()
        except Exception as error:  # PortAudio has errors of its own, and may be missing itself
            raise InputError(f'{name}: cannot be opened ({str(error).partition(chr(10))[0]}). Connect a microphone, '
                             'and try another device: python -m sounddevice lists them.') from error

    def decode(self) -> Iterator[av.AudioFrame]:
        """See `LiveSource`."""
        rate_hz, read = round(self._input.samplerate), 0
        try:
            while True:
                samples, _ = self._input.read(round(_BLOCK_S * rate_hz))  # (n, 1) float32
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format='flt', layout='mono')
                frame.sample_rate, frame.pts, frame.time_base = rate_hz, read, Fraction(1, rate_hz)
                read += len(samples)
                yield frame
        finally:
            self._input.close()


def open_camera(camera: str) -> LiveSource:
    """Open a camera by its number, or by the path of its device; an `InputError` says what to do where it fails."""
    device = f'/dev/video{camera}' if camera.isdecimal() else camera
    name = f'--camera {camera}'
    if CAMERA_FORMAT not in av.formats_available:
        raise InputError(f'{name}: this PyAV has no video4linux2, which reads cameras. Install its wheel for Linux, or '
                         'serve the camera by another program and give its address: --stream rtsp://...')
    if not os.path.exists(device):
        found = sorted(each for each in os.listdir('/dev') if re.fullmatch(r'video\d+', each))
        raise InputError(f'{name}: there is no {device}. Connected cameras: {", ".join(found) or "none"}. In a '
                         f'container hand it in: docker run --device {device}.')
    return ContainerSource(name, device, 'Another program may use it, or you may not: add yourself to the group video.',
                           ('video',), CAMERA_FORMAT)


def open_microphone(device: str = DEFAULT_DEVICE) -> LiveSource:
    """Open a microphone: by sounddevice where it is installed, else by ALSA's name of the device, such as ``hw:1``."""
    name = '--microphone' if device == DEFAULT_DEVICE else f'--microphone {device}'
    if find_spec('sounddevice') is not None:
        return SoundDeviceSource(name, device)
    if MICROPHONE_FORMAT not in av.formats_available or not os.path.exists(_SOUND_CARDS):
        raise InputError(f'{name}: there is no sound card of ALSA ({_SOUND_CARDS}). Connect a microphone; for those of '
                         'PulseAudio and PipeWire: pip install sounddevice. In a container hand it in: docker run '
                         f'--device {_SOUND_CARDS}.')
    if os.path.exists(_ALSA_CONFIG):
        os.environ.setdefault('ALSA_CONFIG_PATH', _ALSA_CONFIG)
    return ContainerSource(name, device, 'Try another device (arecord -L lists them), or pip install sounddevice.',
                           ('audio',), MICROPHONE_FORMAT)


def open_address(address: str) -> LiveSource:
    """Open a stream by its address: RTSP, RTMP, SRT, UDP, or http(s), which may be a playlist of HLS."""
    name = f'--stream {_SECRET.sub("", address)}'
    scheme, found, _ = address.partition('://')
    if not found or scheme.lower() not in SCHEMES:
        raise InputError(f'{name}: is no address of a stream. Expected {", ".join(SCHEMES[:3])} ..., such as '
                         'rtsp://camera.local/live; a file is named without --stream.')
    options = {'protocol_whitelist': _PROTOCOLS, **_AT_ONCE}
    if scheme.lower().startswith('rtsp'):
        options['rtsp_transport'] = 'tcp'  # loses no packets
    return ContainerSource(name, address, 'Check the address, its user and password, and the network.',
                           options=options)
