"""The clips of any list that says where they lie: one of ours, or a published one with paths."""
from pathlib import Path

from claip_emo_mm.datasets.annotation_list import ListedClip, read_annotation_list
from claip_emo_mm.datasets.label_schemas import LabelSchema
from claip_emo_mm.datasets.published_lists import read_published_list
from claip_emo_mm.errors import InputError


def read_listed_clips(path: str | Path, schema: LabelSchema) -> list[ListedClip]:
    """Read an annotation list (see `read_annotation_list`) or a published list whose rows hold paths.

    Args:
        path: the list.
        schema: classes; labels that are numbers become their names.
    Raises:
        InputError: the list cannot be read, or names clips without saying where they lie.
    """
    if not _is_published(path):
        return read_annotation_list(path)
    found = read_published_list(path, schema)
    if not found.has_paths:
        raise InputError(f'{path}: {found.form}: it names clips, but not where their pictures and sound lie. '
                         'tools/prepare_data.py makes such a list ready: dfew or mafw, with --lists for its folder.')
    return [ListedClip(clip.line, clip.label, clip.video, clip.frames, clip.audio, clip.num_frames)
            for clip in found.clips]


def _is_published(path: str | Path) -> bool:
    """Whether the first row is none of our headers, nor one that was meant to be."""
    if not Path(path).is_file():
        return False
    with open(path, 'rb') as file:
        first = file.readline(10000).decode('utf-8', 'replace').lstrip('\ufeff')
    cells = [cell.strip() for cell in first.split(',')]
    return bool(first.strip()) and ('video_name' in cells or not {'label', 'video', 'frames', 'audio'} & set(cells))
