"""What the inferencer says of its own certainty: of close scores, silence, glimpses of a person, images."""
from pathlib import Path

import numpy as np
import pytest
from test_windows import GREEN, RED, Squares, scene

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import EmotionRow, VerdictRule


@pytest.fixture(scope='module')
def infer(checkpoint: Path) -> EmotionInferencer:
    return EmotionInferencer(checkpoint, detector=Squares())


def test_the_stride_is_half_a_window_unless_given(infer: EmotionInferencer) -> None:
    source = scene(2, (RED, 0, 2, 40))
    rows = infer.infer(source, window_s=.5).rows
    assert [row.from_s for row in rows] == pytest.approx([0, .25, .5, .75, 1, 1.25, 1.5])
    gaps = infer.infer(source, window_s=.5, stride_s=1.5)
    assert '1.0 of every 1.5 s are not judged: the stride is longer than the window' in gaps.warnings
    assert not any('not judged' in warning for warning in infer.infer(source, window_s=3, stride_s=9).warnings)


def test_close_scores_are_unsure(infer: EmotionInferencer) -> None:
    source = scene(1, (RED, 0, 1, 40))
    best, second = sorted(infer.infer(source).scores.values(), reverse=True)[:2]
    for rule, unsure in ((VerdictRule(best + .001, 0), True), (VerdictRule(best - .001, 0), False),
                         (VerdictRule(0, best - second + .001), True), (VerdictRule(0, best - second - .001), False)):
        result = infer.infer(source, rule=rule)
        assert (result.unsure, result.rows[0].unsure, result.rule) == (unsure, unsure, rule)
        assert result.to_dict()['people'][0]['unsure'] is unsure


def test_rows_come_as_they_are_judged(infer: EmotionInferencer) -> None:
    seen: list[tuple[EmotionRow, float]] = []
    times = [0.]
    source = scene(4, (GREEN, 2, 4, 90), (RED, 0, 4, 10))
    result = infer.infer(source, face='all', window_s=2, batch_size=1, on_row=lambda row: seen.append((row, times[-1])),
                         progress=lambda time_s, _: times.append(time_s))
    assert [row for row, _ in seen] == result.rows and [row.person for row in result.rows] == [1, 1, 2, 1, 2]
    assert [time_s for _, time_s in seen] == [0, 2, 2, 3, 3]  # before the next window is read


def test_the_first_rows_do_not_wait_for_a_full_batch(infer: EmotionInferencer) -> None:
    judged, times = [], [0.]
    infer.infer(scene(3, (RED, 0, 3, 10)), face='none', window_s=.5, batch_size=4,  # 11 windows, every .25 s
                on_row=lambda row: judged.append(times[-1]), progress=lambda time_s, _: times.append(time_s))
    assert judged == pytest.approx([.5] * 2 + [1.5] * 4 + [2.5] * 4 + [3])


def test_how_much_of_a_window_a_person_is_seen_in(infer: EmotionInferencer) -> None:
    result = infer.infer(scene(4, (RED, 0, 4, 10), (GREEN, 0, .5, 90)), face='all', window_s=4)
    first, second = sorted(result.rows, key=lambda row: -row.seen_ratio)
    assert first.seen_ratio == 1 and second.seen_ratio == pytest.approx(.125, abs=.02)
    assert result.summaries()[second.person - 1].seen_s == pytest.approx(.5, abs=.1)


def test_frames_that_end_before_the_audio_are_said(infer: EmotionInferencer) -> None:
    result = infer.infer(scene(3, (RED, 0, 3, 40), audio_s=8))
    assert result.warnings == ['no frames after 3.0 s: predicted from audio alone']
    assert [(row.from_s, row.person, row.seen_ratio, row.warnings) for row in result.rows] == [
        (0, 1, .75, []), (2, 1, .25, ['visible in 25 % of the window']), (4, None, 1., ['no frames'])]
    assert [each.seen_s for each in result.summaries()] == [3, 3]  # the last window is nearest from 5 s on
    assert infer.infer(scene(3, (RED, 0, 3, 40), audio_s=3.4)).warnings == []


@pytest.mark.parametrize(('peak', 'said'), [
    (10 ** (-91 / 20), 'the audio is silent (its peak is -91 dB): the silence was scored as audio'),
    (0, 'the audio is silent (every sample is 0): the silence was scored as audio'), (.01, None)])
def test_silence_is_said_like_missing_audio(infer: EmotionInferencer, peak: float, said: str | None) -> None:
    source = scene(1, (RED, 0, 1, 40))
    source.samples, source.sample_rate_hz, source.has_audio = np.full(16000, peak, np.float32), 16000, True
    warnings = infer.infer(source).warnings
    assert [warning for warning in warnings if 'silent' in warning] == ([said] if said else [])


def test_an_image_has_one_row(checkpoint: Path, shared: Path) -> None:
    result = EmotionInferencer(checkpoint).infer(shared / 'media' / 'single_face.jpg')
    row, = result.rows
    assert row.person == 1 and sum(row.scores.values()) == pytest.approx(1, abs=1e-6)
    assert result.warnings == ['no audio: predicted from frames alone']


def test_addresses_are_refused(infer: EmotionInferencer) -> None:
    with pytest.raises(InputError, match='https://a.b/c.mp4: is an address, and nothing is downloaded here'):
        infer('https://a.b/c.mp4')
