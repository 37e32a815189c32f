from pathlib import Path

import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import ClipScores, read_clip_scores, write_clip_scores


def test_what_was_written_is_read_exactly(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).random((3, 2)).astype(np.float32)
    written = ClipScores(('a, b.mp4', 'c', 'é'), np.array([1, 0, 1]), scores, ('yes', 'no'))
    write_clip_scores(tmp_path / 's.csv', written)
    assert (tmp_path / 's.csv').read_text(encoding='utf-8').splitlines()[:2] == [
        'clip,label,yes,no', f'"a, b.mp4",no,{scores[0, 0]!s},{scores[0, 1]!s}']
    read = read_clip_scores(tmp_path / 's.csv')
    assert (read.names, read.classes, read.labels.tolist()) == (written.names, written.classes, [1, 0, 1])
    assert (read.scores == scores).all() and read.scores.dtype == np.float32


@pytest.mark.parametrize('text', ['', 'clip,label,a\n', 'video,label\nx,a\n', 'clip,label,a\nx,b,1\n',
                                  'clip,label,a\nx,a,much\n'])
def test_another_file(tmp_path: Path, text: str) -> None:
    (tmp_path / 's.csv').write_text(text, encoding='utf-8')
    with pytest.raises(InputError, match=r's.csv: no scores of clips can be read from it .*tools/test.py'):
        read_clip_scores(tmp_path / 's.csv')
