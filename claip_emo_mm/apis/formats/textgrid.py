"""Praat's TextGrid, in its long text form."""
from pathlib import Path

from claip_emo_mm.apis.formats.tiers import Interval, Tier, end_s, result_tiers
from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.utils.io import write_text


def write_textgrid(path: Path, result: EmotionResult) -> None:
    """Write the tiers of a result atomically; times without a label are empty intervals."""
    tiers, length = result_tiers(result), _number(end_s(result))
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', '', 'xmin = 0', f'xmax = {length}',
             'tiers? <exists>', f'size = {len(tiers)}', 'item []:']
    for number, tier in enumerate(tiers, 1):
        intervals = _without_gaps(tier, end_s(result))
        lines += [f'    item [{number}]:', '        class = "IntervalTier"', f'        name = {_quoted(tier.name)}',
                  '        xmin = 0', f'        xmax = {length}', f'        intervals: size = {len(intervals)}']
        for place, interval in enumerate(intervals, 1):
            lines += [f'        intervals [{place}]:', f'            xmin = {_number(interval.from_s)}',
                      f'            xmax = {_number(interval.to_s)}', f'            text = {_quoted(interval.text)}']
    write_text(path, '\n'.join([*lines, '']))


def _without_gaps(tier: Tier, length_s: float) -> list[Interval]:
    """Fill a tier with empty intervals, as Praat wants it."""
    filled, reached_s = [], 0.
    for interval in [*tier.intervals, Interval(length_s, length_s, '')]:
        if _number(interval.from_s) != _number(reached_s):
            filled.append(Interval(reached_s, interval.from_s, ''))
        filled.append(interval)
        reached_s = interval.to_s
    return filled[:-1]


def _number(seconds: float) -> str:
    return f'{seconds:.6f}'.rstrip('0').rstrip('.')


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
