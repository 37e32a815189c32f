from collections import Counter, defaultdict
from pathlib import Path

import av
import numpy as np
import pytest

from claip_emo_mm.datasets.labels import DFEW
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy import clips
from claip_emo_mm.toy.clips import EMOTION_GROUPS, FACE_GROUPS, VOICE_GROUPS, plan_clip, write_clip
from claip_emo_mm.toy.face import FaceCanvas
from claip_emo_mm.toy.identities import FaceIdentity
from claip_emo_mm.toy.voice import SAMPLE_RATE_HZ, VoiceIdentity

FACE = FaceIdentity.sample(np.random.default_rng(0))
VOICE = VoiceIdentity.sample(np.random.default_rng(0), FACE.feminine)
SEED, SIZE, FPS = 11, 96, 25


def plans(seed: int) -> dict[str, clips.ClipPlan]:
    return {emotion: plan_clip(np.random.default_rng(seed), emotion) for emotion in DFEW.classes}


def decode(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (F, size, size, 3) uint8 RGB and waveform (samples,) float32."""
    with av.open(str(path)) as container:
        frames = np.stack([frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)])
    with av.open(str(path)) as container:
        waveform = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    return frames, waveform


@pytest.fixture(scope='module')
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('clip') / 'worry.mp4'
    write_clip(path, FACE, VOICE, 'fear', SEED, SIZE, FPS)
    return path


def test_face_tells_four_groups_and_voice_three_and_both_all_seven() -> None:
    assert tuple(EMOTION_GROUPS) == DFEW.classes
    faces, voices = zip(*EMOTION_GROUPS.values(), strict=True)
    assert sorted(Counter(faces).values()) == [1, 2, 2, 2]  # at best 4 of 7 right
    assert sorted(Counter(voices).values()) == [2, 2, 3]  # at best 3 of 7 right
    assert len(set(EMOTION_GROUPS.values())) == 7
    assert set(faces) == set(FACE_GROUPS) and set(voices) == set(VOICE_GROUPS)


@pytest.mark.parametrize('seed', range(20))
def test_nothing_but_the_groups_tells_the_emotion(seed: int) -> None:
    by_emotion = plans(seed)
    first = by_emotion['happy']
    for emotion, plan in by_emotion.items():
        assert plan.duration_s == first.duration_s
        for name in ('talk', 'blink', 'shift', 'roll'):
            np.testing.assert_array_equal(getattr(plan, name), getattr(first, name))
        for other, other_plan in by_emotion.items():
            (face, voice), (other_face, other_voice) = EMOTION_GROUPS[emotion], EMOTION_GROUPS[other]
            assert np.array_equal(plan.controls, other_plan.controls) == (face == other_face)
            assert (plan.prosody == other_plan.prosody) == (voice == other_voice)


def test_plans_vary_within_their_bounds() -> None:
    drawn = [plan_clip(np.random.default_rng(seed), 'angry') for seed in range(300)]
    durations_s = np.array([plan.duration_s for plan in drawn])
    assert durations_s.min() >= 1.6 and durations_s.max() <= 2.8
    assert durations_s.mean() == pytest.approx(2.2, abs=.07)
    for plan in drawn:
        frames = round(plan.duration_s * 25)
        assert plan.controls.shape == (frames, 8)
        assert plan.talk.shape == plan.blink.shape == plan.roll.shape == (frames,)
        assert plan.shift.shape == (frames, 2)
        assert 0 <= plan.talk.min() and .3 < plan.talk.max() <= 1
        assert plan.talk[-frames // 3:].std() > .05  # speaks to the end
        assert plan.blink.max() > .7


def test_groups_keep_apart_whatever_is_drawn() -> None:
    faces, pitches = defaultdict(list), defaultdict(list)
    for seed in range(100):
        for emotion, plan in plans(seed).items():
            face, voice = EMOTION_GROUPS[emotion]
            faces[face].append(plan.controls[-1])
            pitches[voice].append(plan.prosody.pitch)
    assert max(pitches['low']) < min(pitches['mid']) and max(pitches['mid']) < min(pitches['high'])
    groups = np.array(list(FACE_GROUPS.values()))  # (4, 8)
    for index, group in enumerate(FACE_GROUPS):
        distance = np.linalg.norm(np.array(faces[group])[:, None] - .9 * groups, axis=-1)  # (clips, 4)
        assert set(distance.argmin(1)) == {index}


def test_file_holds_h264_and_aac_of_the_same_length(clip: Path) -> None:
    with av.open(str(clip)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ('h264', 'aac')
        assert (video.width, video.height, video.average_rate, audio.rate) == (SIZE, SIZE, FPS, SAMPLE_RATE_HZ)
    frames, waveform = decode(clip)
    assert 1.6 <= len(frames) / FPS <= 2.8
    assert len(waveform) / SAMPLE_RATE_HZ == pytest.approx(len(frames) / FPS, abs=.06)


def test_frames_show_the_plan_in_true_colors(clip: Path) -> None:
    plan = plan_clip(np.random.default_rng(SEED), 'fear')
    frames, _ = decode(clip)
    assert len(frames) == len(plan.talk)
    canvas = FaceCanvas(FACE, SIZE)
    for index in (0, len(frames) // 2, len(frames) - 1):
        drawn = canvas.draw(plan.controls[index], plan.talk[index], plan.blink[index], *plan.shift[index],
                            plan.roll[index])
        assert np.abs(frames[index].astype(int) - drawn).mean() < 6


def test_the_same_seed_writes_the_same_file(clip: Path, tmp_path: Path) -> None:
    for name, seed in (('again', SEED), ('other', SEED + 1)):
        write_clip(tmp_path / f'{name}.mp4', FACE, VOICE, 'fear', seed, SIZE, FPS)
    assert (tmp_path / 'again.mp4').read_bytes() == clip.read_bytes() != (tmp_path / 'other.mp4').read_bytes()


def test_audio_is_louder_in_the_high_group(clip: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / 'low.mp4', FACE, VOICE, 'sad', SEED, SIZE, FPS)
    high, low = (np.abs(decode(path)[1]).max() for path in (clip, tmp_path / 'low.mp4'))
    assert 1.5 < high / low < 2.6  # .92 / .48 before coding


def test_a_failure_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, *_: object) -> None:
        path.write_bytes(b'half')
        raise KeyboardInterrupt

    monkeypatch.setattr(clips, 'encode_clip', fail)
    with pytest.raises(KeyboardInterrupt):
        write_clip(tmp_path / 'clip.mp4', FACE, VOICE, 'sad', 0)
    assert not list(tmp_path.iterdir())


def test_unknown_emotion(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="emotion 'bored': toy clips show happy, sad"):
        write_clip(tmp_path / 'clip.mp4', FACE, VOICE, 'bored', 0)


def test_odd_size(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='size 97: h264 needs an even number'):
        write_clip(tmp_path / 'clip.mp4', FACE, VOICE, 'sad', 0, size=97)
