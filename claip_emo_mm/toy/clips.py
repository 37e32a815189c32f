"""Toy clips: a talking face and its voice, which only together tell the emotion.

The face tells four groups of emotions apart and the voice three, so the best that a model can reach on balanced classes
is 4/7 = 57.1 % from the face, 3/7 = 42.9 % from the voice, and 100 % from both. Everything else (length, movement of
mouth, lids and head) is sampled in the same way for every emotion.
"""
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import soxr

from claip_emo_mm.datasets.labels import DFEW
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.face import FaceCanvas, FaceControls
from claip_emo_mm.toy.identities import FaceIdentity
from claip_emo_mm.toy.voice import SAMPLE_RATE_HZ, Prosody, VoiceIdentity, babble
from claip_emo_mm.utils.io import atomic_write

FACE_GROUPS: dict[str, FaceControls] = {
    'bright': FaceControls(brow_inner=.55, brow_outer=.55, lid=.35, corner=.95, open=.3, wide=.25, lip_up=.1),
    'scowl': FaceControls(brow_inner=-.9, brow_outer=-.15, lid=-.35, corner=-.45, open=.05, lip_up=.55, wrinkle=1.),
    'worry': FaceControls(brow_inner=.95, brow_outer=-.35, lid=.15, corner=-.75, open=.08, wide=.15),
    'flat': FaceControls()}
VOICE_GROUPS: dict[str, Prosody] = {
    'high': Prosody(pitch=1.4, pace=1.28, melody=1.9, loudness=.92),
    'mid': Prosody(pitch=1., pace=1., melody=1.1, loudness=.68),
    'low': Prosody(pitch=.71, pace=.76, melody=.25, loudness=.48)}
EMOTION_GROUPS: dict[str, tuple[str, str]] = {  # emotion -> group of its face, group of its voice
    'happy': ('bright', 'mid'),
    'sad': ('worry', 'low'),
    'neutral': ('flat', 'mid'),
    'angry': ('scowl', 'high'),
    'surprise': ('bright', 'high'),
    'disgust': ('scowl', 'low'),
    'fear': ('worry', 'high')}

CLIP_SIZE = 160  # pixels
CLIP_FPS = 25

_BLINK_S = .09  # from open to shut
_LARGEST_SHIFT = np.array([.018, .011])  # of the head, right and down, in sides of the frame
_LARGEST_ROLL = 3.  # degrees
# mbtree is off because it makes x264 write another file each time on processors with AVX-512
_X264_OPTIONS = {'crf': '23', 'preset': 'veryfast', 'threads': '1', 'x264-params': 'mbtree=0'}


@dataclass(frozen=True)
class MediaForm:
    """How a clip is written to a file."""
    container: str = 'mp4'  # names of FFmpeg's, as the next two
    video: str = 'libx264'
    audio: str = 'aac'  # '' for no audio
    sample_rate_hz: int = SAMPLE_RATE_HZ
    frame_size: tuple[int, int] | None = None  # width and height in pixels, of a gray wall around the drawing


@dataclass(frozen=True)
class ClipPlan:
    """What happens in a clip of F frames."""
    duration_s: float
    controls: np.ndarray  # (F, 8) FaceControls of each frame
    talk: np.ndarray  # (F,) how far speech opens the mouth, 0 to 1
    blink: np.ndarray  # (F,) how far the lids are shut, 0 to 1
    shift: np.ndarray  # (F, 2) of the head, right and down, in sides of the frame
    roll: np.ndarray  # (F,) tilt of the head in degrees
    prosody: Prosody


def plan_clip(rng: np.random.Generator, emotion: str, fps: int = CLIP_FPS) -> ClipPlan:
    """Sample a clip's course. Only `controls` and `prosody` depend on the emotion, each through its group alone."""
    if emotion not in EMOTION_GROUPS:
        raise InputError(f'emotion {emotion!r}: toy clips show {", ".join(DFEW.classes)}.')
    frames = round(rng.uniform(1.6, 2.8) * fps)
    time_s = np.arange(frames) / fps
    shut_s = rng.uniform(.2, time_s[-1] - .2)
    phase, cycles_hz = rng.uniform(0, 2 * np.pi, 3), rng.uniform(.3, .7, 3)
    sway = np.sin(2 * np.pi * time_s[:, None] * cycles_hz + phase)  # (F, 3)
    talk = _sample_talk(rng, time_s)
    face, voice = EMOTION_GROUPS[emotion]
    return ClipPlan(
        duration_s=frames / fps, controls=_sample_controls(rng, FACE_GROUPS[face], time_s), talk=talk,
        blink=np.clip(1 - np.abs(time_s - shut_s) / _BLINK_S, 0, 1), shift=sway[:, :2] * _LARGEST_SHIFT,
        roll=sway[:, 2] * _LARGEST_ROLL, prosody=_sample_prosody(rng, VOICE_GROUPS[voice]))


def write_clip(path: str | Path, identity: FaceIdentity, voice: VoiceIdentity, emotion: str,
               seed: int | np.random.SeedSequence, size: int = CLIP_SIZE, fps: int = CLIP_FPS) -> None:
    """Write one clip as mp4 (h264 and aac), atomically.

    Args:
        emotion: one of DFEW's classes.
        seed: of the course and the words; the same seed writes the same clip.
        size: side of the frames in pixels, even.
        fps: frames per second.
    Raises:
        InputError: the emotion is not one of DFEW's, or the size is odd.
    """
    if size % 2:
        raise InputError(f'size {size}: h264 needs an even number of pixels.')
    frames, waveform = draw_clip(identity, voice, emotion, seed, size, fps)
    with atomic_write(path) as part:
        encode_clip(part, frames, waveform, fps)


def draw_clip(identity: FaceIdentity, voice: VoiceIdentity, emotion: str, seed: int | np.random.SeedSequence,
              size: int = CLIP_SIZE, fps: int = CLIP_FPS) -> tuple[list[np.ndarray], np.ndarray]:
    """Draw a clip: its frames, (size, size, 3) uint8 RGB each, and its samples (n,) float32 at 16 kHz."""
    rng = np.random.default_rng(seed)
    plan = plan_clip(rng, emotion, fps)
    canvas = FaceCanvas(identity, size)
    frames = [canvas.draw(*state) for state in zip(plan.controls, plan.talk, plan.blink, *plan.shift.T, plan.roll,
                                                   strict=True)]
    return frames, babble(rng, voice, plan.prosody, plan.duration_s)


def _sample_talk(rng: np.random.Generator, time_s: np.ndarray) -> np.ndarray:
    """Sample (F,) openings of a mouth in its own rhythm: the audio's would show which group the voice is of."""
    turns = int(time_s[-1] / .06) + 2  # enough even if every turn is the shortest
    turns_s = np.cumsum(rng.uniform(.06, .16, turns)) - .06
    opening = np.where(np.arange(turns) % 2, rng.uniform(.3, 1., turns), rng.uniform(0., .2, turns))
    return np.interp(time_s, turns_s, opening)


def _sample_controls(rng: np.random.Generator, group: FaceControls, time_s: np.ndarray) -> np.ndarray:
    """Sample (F, 8) controls: one variation of the group's expression, growing from a quarter of it to all of it."""
    spread = .05 if any(group) else .03
    expression = np.array(group) * rng.uniform(.75, 1.1) + rng.normal(0, spread, len(group))
    rise = np.clip((time_s - rng.uniform(0, .2)) / .4, 0, 1)
    strength = .25 + .75 * rise ** 2 * (3 - 2 * rise)  # (F,)
    return np.clip(strength[:, None] * expression, -1, 1)


def _sample_prosody(rng: np.random.Generator, group: Prosody) -> Prosody:
    return replace(
        group, pitch=group.pitch * 2 ** rng.normal(0, .06), pace=group.pace * 2 ** rng.normal(0, .06),
        melody=group.melody * rng.uniform(.85, 1.15), loudness=min(.98, group.loudness * rng.uniform(.88, 1.1)))


def encode_clip(path: Path, frames: list[np.ndarray], waveform: np.ndarray, fps: int,
                form: MediaForm = MediaForm()) -> None:
    """Write frames (H, W, 3) uint8 RGB, with even sides, and samples (n,) float32 at 16 kHz to a video file."""
    with av.open(str(path), 'w', format=form.container) as container:
        options = _X264_OPTIONS if form.video == 'libx264' else {}
        video = container.add_stream(form.video, rate=fps, options=options)
        video.width, video.height = form.frame_size or frames[0].shape[1::-1]
        video.pix_fmt = 'yuv420p'
        if form.audio:
            audio = container.add_stream(form.audio, rate=form.sample_rate_hz, layout='mono')
            audio.bit_rate = 48000
        for image in frames:
            # OpenCV converts several times faster than the encoder's own scaler
            planes = cv2.cvtColor(_on_wall(image, form.frame_size), cv2.COLOR_RGB2YUV_I420)
            container.mux(video.encode(av.VideoFrame.from_ndarray(planes, format='yuv420p')))
        container.mux(video.encode())
        if form.audio:
            samples = waveform
            if form.sample_rate_hz != SAMPLE_RATE_HZ:
                samples = soxr.resample(waveform, SAMPLE_RATE_HZ, form.sample_rate_hz)
            length = audio.codec_context.frame_size
            for start in range(0, len(samples), length):
                frame = av.AudioFrame.from_ndarray(samples[None, start:start + length], format='fltp', layout='mono')
                frame.sample_rate, frame.pts, frame.time_base = (form.sample_rate_hz, start,
                                                                 Fraction(1, form.sample_rate_hz))
                container.mux(audio.encode(frame))
            container.mux(audio.encode())


def _on_wall(image: np.ndarray, frame_size: tuple[int, int] | None) -> np.ndarray:
    """Put a drawing into the middle of a gray frame."""
    if frame_size is None:
        return image
    wall = np.full((frame_size[1], frame_size[0], 3), 128, np.uint8)
    top, left = ((wall.shape[side] - image.shape[side]) // 2 for side in (0, 1))
    wall[top:top + image.shape[0], left:left + image.shape[1]] = image
    return wall
