"""The live part of the page: a visitor's camera and microphone, and what is seen in them now."""
import logging
import threading
import time
from collections.abc import Iterator
from copy import copy
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING

import av
import numpy as np

from claip_emo_mm.apis.inferencer import EmotionInferencer
from claip_emo_mm.apis.live import LiveStatistics, recognize_live, update_line
from claip_emo_mm.apis.page_style import message
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.live_sources import TIMEOUT_S
from claip_emo_mm.media.live_stream import LiveStream, Waiting
from claip_emo_mm.version import INTENDED_USE

if TYPE_CHECKING:
    import gradio

_HINT = ('Start the microphone, then the camera. Frames and audio go to the computer that serves this page, are judged '
         'and forgotten; nothing is kept.')
_WAITING = 'The first window is not full yet, or the model still works on it.'
_NO_CAMERA = 'The microphone is heard. Start the camera, too: nothing is judged without it.'
_BUSY = 'Another visitor is live at the moment: one at a time. Try again later.'
_WAITING_FRAMES = 100
_MICROSECONDS = Fraction(1, 1_000_000)


class BrowserSource:
    """A `LiveSource` of frames and samples that a browser sends.

    Attributes:
        has_ended: Whether frames stayed away, or it was closed.
    """

    name, is_paced, has_frames, has_audio = 'camera', False, True, True

    def __init__(self, needs_frames: bool = True) -> None:
        self.has_ended = False
        self._needs_frames = needs_frames
        self._waiting = Waiting(_WAITING_FRAMES)
        self._audio_end_s: float | None = None

    def see(self, image: np.ndarray) -> None:
        """Take a frame (H, W, 3) uint8 RGB, of now."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format='rgb24')
        self._put(frame, time.monotonic())

    def hear(self, rate_hz: int, samples: np.ndarray) -> None:
        """Take samples (n,) or (n, channels), int16 or float, that end now, or where those before ended."""
        scale = 1. if samples.dtype.kind == 'f' else float(np.iinfo(samples.dtype).max)
        mono = np.atleast_2d(samples.T).mean(axis=0) / scale
        length_s, now_s = len(mono) / rate_hz, time.monotonic()
        begin_s = self._audio_end_s
        if begin_s is None or abs(begin_s + length_s - now_s) > length_s + 1:
            begin_s = now_s - length_s
        self._audio_end_s = begin_s + length_s
        frame = av.AudioFrame.from_ndarray(mono[None].astype(np.float32), format='flt', layout='mono')
        frame.sample_rate = rate_hz
        self._put(frame, begin_s)

    def decode(self) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """See `LiveSource`; ends when frames stay away, before the stream calls that a failure.

        Audio alone keeps it only where the model does not need frames.
        """
        seen_s = None
        while (frame := self._waiting.get(TIMEOUT_S / 2)) is not None:
            if seen_s is None or isinstance(frame, av.VideoFrame) or not self._needs_frames:
                seen_s = frame.time
            elif frame.time - seen_s > TIMEOUT_S / 2:
                break
            yield frame
        self.has_ended = True

    def why_ended(self) -> str:
        """What stayed away, and for how long."""
        return (f'The {"camera" if self._needs_frames else "microphone"} has sent nothing for {TIMEOUT_S / 2:g} s. '
                'What it sends next is judged anew.')

    def close(self) -> None:
        """End."""
        self._waiting.close()

    def _put(self, frame: av.VideoFrame | av.AudioFrame, time_s: float) -> None:
        frame.pts, frame.time_base = round(time_s / _MICROSECONDS), _MICROSECONDS
        self._waiting.put(frame)


class LiveSession:
    """Recognizes in a thread what a browser sends.

    Attributes:
        text: HTML of the newest window, or why there is none any more.
        has_failed: Whether it ended by an error; frames that stay away are none.
    """

    def __init__(self, infer: EmotionInferencer) -> None:
        self.source, self.text, self.has_failed = BrowserSource(infer._reads_frames), message(_WAITING), False
        self._infer = infer
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it still recognizes."""
        return self._thread.is_alive()

    def _run(self) -> None:
        statistics = LiveStatistics()
        try:
            with LiveStream([self.source]) as stream:
                for update in recognize_live(self._infer, stream):
                    if self.source.has_ended:  # the rest has no frames, and comes all at once
                        break
                    statistics.add(update)
                    self.text = message(update_line(update), [statistics.describe()])
            self.text = message(self.source.why_ended())
        except InputError as error:
            self._fail(str(error))
        except Exception as error:  # what nobody thought of must not leave the page waiting for ever
            logging.getLogger(__name__).exception('live session failed')
            self._fail(f'cannot go on ({type(error).__name__}). Load this page again.')

    def _fail(self, reason: str) -> None:
        self.text, self.has_failed = message(reason, is_error=True), True


class LiveSessions:
    """One session at a time, by the hash of its visitor."""

    def __init__(self, infer: EmotionInferencer) -> None:
        self._infer = copy(infer)
        self._infer._detector = None  # one of its own: a job may use the other at the same time
        self._lock = threading.Lock()
        self._visitor, self._session = '', None

    def of(self, visitor: str, begins: bool = True) -> LiveSession | None:
        """The session of a visitor; None while another one is live.

        Where nobody is live, a new one `begins`. One that failed stays until its visitor leaves, with the reason, or
        another one comes.
        """
        with self._lock:
            failed = self._session is not None and self._session.has_failed and visitor == self._visitor
            if begins and (self._session is None or not (self._session.is_alive or failed)):
                self._visitor, self._session = visitor, LiveSession(self._infer)
            return self._session if visitor == self._visitor else None

    def see(self, visitor: str, image: np.ndarray) -> str:
        """Take a frame (H, W, 3) uint8 RGB of a visitor, which begins a session; HTML of what is to be shown."""
        session = self.of(visitor)
        if session is None:
            return message(_BUSY)
        session.source.see(image)
        return session.text

    def hear(self, visitor: str, rate_hz: int, samples: np.ndarray) -> str:
        """Take samples, see `BrowserSource.hear`; they begin a session only of a model that does not read frames."""
        session = self.of(visitor, begins=not self._infer._reads_frames)
        if session is None:
            return message(_BUSY if self._session is not None and self._session.is_alive else _NO_CAMERA)
        session.source.hear(rate_hz, samples)
        return session.text

    def end(self, visitor: str) -> None:
        """End the session of a visitor who leaves."""
        with self._lock:
            if visitor == self._visitor and self._session is not None:
                self._session.source.close()


def _header(note: str) -> str:
    said = f'<p><strong>{escape(note)}</strong></p>' if note else ''
    use = escape(INTENDED_USE.removesuffix(' See docs/model_card.md.'))
    return f'<h1>Live</h1><p>{_HINT}</p>{said}<p>{use} <a href="model-card" target="_blank">Model card</a></p>'


def add_live_page(page: 'gradio.Blocks', infer: EmotionInferencer) -> None:
    """Add a page `live` to the app: camera, microphone, the newest window."""
    import gradio as gr
    sessions = LiveSessions(infer)

    def see(request: gr.Request, image: np.ndarray | None) -> str:
        return gr.skip() if image is None else sessions.see(request.session_hash, image)

    def hear(request: gr.Request, chunk: tuple[int, np.ndarray] | None) -> str:
        return gr.skip() if chunk is None or not len(chunk[1]) else sessions.hear(request.session_hash, *chunk)

    def leave(request: gr.Request) -> None:
        sessions.end(request.session_hash)

    with page.route('Live', 'live') as live:
        gr.HTML(_header(infer.note), padding=True)
        with gr.Row():
            with gr.Column(scale=2, min_width=300):  # first, so that it is seen on a phone
                said = gr.HTML(message('Nothing is seen yet.'), elem_id='live-message')
            with gr.Column(min_width=300):
                microphone = gr.Audio(label='Microphone', sources=['microphone'], streaming=True, elem_id='live-audio')
                camera = gr.Image(label='Camera', sources=['webcam'], streaming=True, elem_id='live-camera',
                                  webcam_options=gr.WebcamOptions(mirror=False))
        camera.stream(see, camera, said, stream_every=.2, concurrency_limit=None, show_progress='hidden',
                      api_visibility='private')
        microphone.stream(hear, microphone, said, stream_every=.5, concurrency_limit=None, show_progress='hidden',
                          api_visibility='private')
        live.unload(leave)
