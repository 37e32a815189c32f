"""Names, reruns and full disks, with results made up here."""
import errno
import json
import math
import os
import re
from pathlib import Path

import numpy as np
import pytest
from pyarrow.parquet import read_table

from claip_emo_mm.apis.formats import FORMATS, PLOT_FORMATS, csv_rows
from claip_emo_mm.apis.result_writer import ResultWriter
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import EmotionResult, EmotionRow, ModelFacts, PersonTrack, VerdictRule
from claip_emo_mm.visualization import overlay as overlays
from claip_emo_mm.visualization import timeline

RESULT = EmotionResult('a.mp4', 2., ['happy', 'sad'], [EmotionRow(0, 2, None, None, dict(happy=.7, sad=.3))])


def make_inputs(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    return [folder / name for name in names]


def results(tmp_path: Path, inputs: list[Path], **options: str) -> ResultWriter:
    return ResultWriter(tmp_path / 'out', inputs, tmp_path / 'checkpoint', options)


def test_a_result_is_found_again_whatever_stands_beside_it(tmp_path: Path) -> None:
    first, second = make_inputs(tmp_path, 'a/x.mp4', 'b/x.mkv')
    results(tmp_path, [first]).write(first, RESULT)
    both = results(tmp_path, [first, second])
    assert both.is_done(first) and not both.is_done(second)
    names = both.write(second, RESULT)
    assert names[0].startswith('x-') and len(list((tmp_path / 'out').iterdir())) == 6
    assert all(results(tmp_path, [each]).is_done(each) for each in (first, second))
    assert not results(tmp_path, [first], face='all').is_done(first)
    second.write_text('changed')
    assert not results(tmp_path, [second]).is_done(second)


def test_formats_asked_for_later_are_those_written_at_once(tmp_path: Path) -> None:
    (path,) = make_inputs(tmp_path, 'x.mp4')
    formats = [name for name in FORMATS if name not in PLOT_FORMATS]
    scores = [dict(happy=.7, sad=.3), dict(happy=.123456, sad=.876544), dict(happy=.5, sad=.5)]
    rows = [EmotionRow(start, start + 2, 1, (.1, .2, .3, .4), each, ['dark'] * (start > 1), .75, each['happy'] == .5)
            for start, each in zip((0, 1.5, 3.125), scores, strict=True)]
    rows.append(EmotionRow(0, 2, None, None, scores[0]))
    result = EmotionResult('x.mp4', 5.125, ['happy', 'sad'], rows, ['no audio'], [
        PersonTrack(1, [(0, 1.75), (2.25, 5.125)], [], np.zeros((64, 64, 3), np.uint8))], [.1], 'toy: drawn faces',
        ModelFacts('a.pth', 'drawn faces', 1.5), VerdictRule(.2, .05))
    once, later = (ResultWriter(tmp_path / name, [path], None, {}, formats=formats) for name in ('once', 'later'))
    once.write(path, result)
    ResultWriter(tmp_path / 'later', [path], None, {}).write(path, result)
    assert not later.is_done(path)
    later.add_formats(path)
    assert later.is_done(path)
    for name in formats:
        file = f'x.emotions.{name}'
        if name != 'parquet':
            texts = [re.sub('DATE="[^"]*"', '', (tmp_path / each / file).read_text()) for each in ('later', 'once')]
            assert texts[0] == texts[1], name
    parquet = [read_table(tmp_path / name / 'x.emotions.parquet') for name in ('once', 'later')]
    assert parquet[0] == parquet[1]
    assert json.loads((tmp_path / 'later/x.json').read_text()) == json.loads((tmp_path / 'once/x.json').read_text())
    plots = ResultWriter(tmp_path / 'later', [path], None, {}, formats=['vtt', 'svg'])
    plots.add_formats(path)
    assert not plots.is_done(path)  # face and audio of a plot are not in the json file


def test_a_full_disk_is_said_and_nothing_is_done_by_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = make_inputs(tmp_path, 'x.mp4')
    results(tmp_path, [path]).write(path, RESULT)

    def write_some(part: Path, *content: object, **how: object) -> None:
        part.touch()
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as full:
        full.setattr(timeline, 'plot_timeline', lambda result: type('Figure', (), dict(
            get_suptitle=lambda self: '', findobj=lambda self, kind: [],
            savefig=lambda self, part, **how: write_some(part)))())
        with pytest.raises(InputError, match=r'out: the results of .*x\.mp4 cannot be written there \(No space left'):
            results(tmp_path, [path], face='all').write(path, RESULT)
    assert results(tmp_path, [path]).is_done(path)
    assert len(list((tmp_path / 'out').iterdir())) == 3


def test_an_overlay_of_other_options_goes_and_a_video_of_such_a_name_stays(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = make_inputs(tmp_path, 'x.mp4')
    monkeypatch.setattr(overlays, 'write_overlay', lambda video, result, file, progress: file.touch())
    overlay = tmp_path / 'out' / 'x.overlay.mp4'
    ResultWriter(tmp_path / 'out', [path], tmp_path / 'checkpoint', {}, overlay=True).write(path, RESULT)
    assert overlay.exists()
    results(tmp_path, [path], face='all').write(path, RESULT)
    assert not overlay.exists()
    overlay.write_text("somebody's")
    results(tmp_path, [path], face='none').write(path, RESULT)
    with pytest.raises(InputError, match=r'x\.overlay\.mp4: is there already, and of no result .*Rename it, or choose'):
        ResultWriter(tmp_path / 'out', [path], tmp_path / 'checkpoint', {}, overlay=True).write(path, RESULT)
    assert overlay.read_text() == "somebody's" and results(tmp_path, [path], face='none').is_done(path)


@pytest.mark.parametrize('end', [KeyboardInterrupt, OSError(errno.ENOSPC, 'full')])
def test_an_interrupted_result_leaves_the_older_one_as_it_was(end: type[BaseException] | OSError, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = make_inputs(tmp_path, 'x.mp4')
    older = ResultWriter(tmp_path / 'out', [path], None, dict(window_s=4), formats=['vtt'])
    older.write(path, RESULT)
    before = {file.name: file.read_bytes() for file in (tmp_path / 'out').iterdir()}

    def stop(video: str, result: EmotionResult, file: Path, progress: object) -> None:
        file.write_text('half')
        raise end

    with monkeypatch.context() as ends:
        ends.setattr(overlays, 'write_overlay', stop)
        other = ResultWriter(tmp_path / 'out', [path], None, dict(window_s=1), overlay=True, formats=['vtt', 'srt'])
        with pytest.raises((KeyboardInterrupt, InputError)):
            other.write(path, RESULT)
    assert {file.name: file.read_bytes() for file in (tmp_path / 'out').iterdir()} == before
    assert older.is_done(path) and not other.is_done(path)
    without = ResultWriter(tmp_path / 'out', [path], None, dict(window_s=1))
    assert set(without.write(path, RESULT)) == {'x.json', 'x.csv', 'x.png'} == {
        file.name for file in (tmp_path / 'out').iterdir()}
    (tmp_path / 'out' / 'x.emotions.vtt').write_text('of another result')
    assert not ResultWriter(tmp_path / 'out', [path], None, dict(window_s=1), formats=['vtt']).is_done(path)


def test_what_a_result_has_stays_when_more_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlays, 'write_overlay', lambda video, result, file, progress: file.touch())
    (path,) = make_inputs(tmp_path, 'x.mp4')

    def writer(**asked: object) -> ResultWriter:
        return ResultWriter(tmp_path / 'out', [path], None, dict(window_s=4), **asked)

    writer(formats=['vtt']).write(path, RESULT)
    assert not writer(overlay=True).is_done(path)
    writer(overlay=True).write(path, RESULT)
    assert writer().is_done(path) and writer(overlay=True, formats=['vtt']).is_done(path)
    writer(formats=['svg']).write(path, RESULT)
    assert {file.name for file in (tmp_path / 'out').iterdir()} == {
        'x.json', 'x.csv', 'x.png', 'x.emotions.vtt', 'x.emotions.svg', 'x.overlay.mp4'}
    assert writer(overlay=True, formats=['vtt', 'svg']).is_done(path)
    ResultWriter(tmp_path / 'out', [path], None, dict(window_s=1)).write(path, RESULT)  # of other options
    assert {file.name for file in (tmp_path / 'out').iterdir()} == {'x.json', 'x.csv', 'x.png'}


@pytest.mark.parametrize('name', ['x.json', 'x.csv', 'x.png', 'x.emotions.vtt', 'x.overlay.mp4'])
def test_files_of_others_stay(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlays, 'write_overlay', lambda video, result, file, progress: file.touch())
    (path, theirs) = make_inputs(tmp_path, 'x.mp4', name)
    for _ in range(2):
        writer = ResultWriter(tmp_path, [path], None, {}, overlay=True, formats=['vtt'])
        names = writer.write(path, RESULT)
        assert writer.is_done(path) and theirs.read_text() == name
        assert len(names) == 5 and all(re.match(r'x-[0-9a-f]{8}\.', each) for each in names)


@pytest.mark.parametrize(('name', 'formats'), [('summary.csv', []), ('report.html', ['html'])])
def test_a_summary_of_somebody_else_is_not_replaced(name: str, formats: list[str], tmp_path: Path) -> None:
    (path,) = make_inputs(tmp_path, 'x.mp4')
    writer = ResultWriter(tmp_path / 'out', [path], None, {}, formats=formats)
    writer.write(path, RESULT)
    writer.write_summary()
    ResultWriter(tmp_path / 'out', [path], None, {}, formats=formats).write_summary()  # its own is
    (tmp_path / 'out' / name).write_text('file,size\n')
    with pytest.raises(InputError, match=rf'{name}: is there already, and was not written by this tool'):
        ResultWriter(tmp_path / 'out', [path], None, {}, formats=formats)


def test_links_in_a_circle_are_names_like_others(tmp_path: Path) -> None:
    (tmp_path / 'loop.mp4').symlink_to('loop.mp4')
    assert not results(tmp_path, [tmp_path / 'loop.mp4']).is_done(tmp_path / 'loop.mp4')


def test_names_that_are_too_long_or_no_text(tmp_path: Path) -> None:
    names = ['n' * 251, 'n' * 250 + 'm', '笑' * 83, 'a.b']
    paths = make_inputs(tmp_path, *(f'{name}.mp4' for name in names))
    for name in (b'caf\xe9.mp4', b'caf\xe8.mp4'):
        paths.append(Path(os.fsdecode(os.fsencode(tmp_path) + b'/' + name)))
        paths[-1].write_text('')
    folder = results(tmp_path, paths)
    written = [folder.write(path, RESULT) for path in paths]
    assert len({name for names in written for name in names}) == 3 * len(paths)
    assert all(results(tmp_path, [path]).is_done(path) for path in paths)
    for path, (json_name, *_) in zip(paths, written, strict=True):
        assert len(os.fsencode(json_name)) < 250
        content = json.loads((tmp_path / 'out' / json_name).read_text(encoding='utf-8'))
        assert content['made_from']['input']['bytes'] == path.stat().st_size
    assert written[3][0] == 'a.b.json' and written[4][0].startswith('caf_xe9')
    assert all(Path(name).stem.encode('utf-8') for names in written for name in names)


@pytest.mark.parametrize('content', ['3', '{"made_from": 3}', '{"made_from": {"input": []}}', '{'])
def test_a_foreign_json_file_of_that_name(tmp_path: Path, content: str) -> None:
    (path,) = make_inputs(tmp_path, 'x.mp4')
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/x.json').write_text(content)
    folder = results(tmp_path, [path])
    assert not folder.is_done(path)
    folder.write(path, RESULT)
    assert folder.is_done(path) and (tmp_path / 'out/x.json').read_text() == content


@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_scores_that_are_no_numbers_are_not_written(tmp_path: Path, value: float) -> None:
    (path,) = make_inputs(tmp_path, 'x.mp4')
    broken = EmotionResult('x.mp4', 2., ['happy', 'sad'], [EmotionRow(0, 2, None, None, dict(happy=value, sad=.3))])
    for make in (broken.to_dict, broken.to_json, lambda: csv_rows(broken),
                 lambda: results(tmp_path, [path]).write(path, broken)):
        with pytest.raises(InputError, match=r'x\.mp4: the scores of 0\.0-2\.0 s are not finite'):
            make()
    assert not list((tmp_path / 'out').glob('*'))
