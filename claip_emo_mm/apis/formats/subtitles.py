"""Subtitles: WebVTT, which browsers show, and SubRip (srt), which players do."""
from pathlib import Path

from claip_emo_mm.apis.formats.tiers import model_text
from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.structures.results import person_name
from claip_emo_mm.utils.io import write_text


def write_vtt(path: Path, result: EmotionResult) -> None:
    """Write WebVTT atomically: a cue for each segment of each person, and what the model is as a note."""
    about = model_text(result).replace('-->', '->')
    note = f'NOTE {about}\n\n' if about else ''
    cues = (f'{_time(start, ".")} --> {_time(end, ".")}\n{_escaped(text)}\n' for start, end, text in _cues(result))
    write_text(path, f'WEBVTT\n\n{note}' + '\n'.join(cues))


def write_srt(path: Path, result: EmotionResult) -> None:
    """Write SubRip atomically, as `write_vtt`; the first cue says what the model was trained on."""
    cues = _cues(result)
    if cues and result.model.data:
        start, end, text = cues[0]
        cues[0] = start, end, f'{text}\ndata: {result.model.data}'
    write_text(path, '\n'.join(f'{number}\n{_time(start, ",")} --> {_time(end, ",")}\n{text}\n'
                               for number, (start, end, text) in enumerate(cues, 1)))


def _cues(result: EmotionResult) -> list[tuple[int, int, str]]:
    """From, to in ms, and text; by time, then by person."""
    result.check_finite()
    persons, kind, cues = result.persons, f' [{result.kind}]' * bool(result.note), []
    for person in persons:
        name = f'{person_name(person)}: ' if len(persons) > 1 else ''
        cues += [(round(1000 * each.from_s), round(1000 * each.to_s), f'{name}{each.row.label}{kind}')
                 for each in result.segments(person)]
    return sorted(((start, end, text) for start, end, text in cues if end > start), key=lambda cue: cue[:2])


def _time(milliseconds: int, point: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f'{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{milliseconds:03}'


def _escaped(text: str) -> str:
    return text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
