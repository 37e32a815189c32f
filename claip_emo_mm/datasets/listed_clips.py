"""The clips of any list that says where they lie: one of ours, or a published one with paths."""
from pathlib import Path

from claip_emo_mm.datasets.annotation_list import ListedClip, is_our_header, read_annotation_list
from claip_emo_mm.datasets.label_schemas import LabelSchema
from claip_emo_mm.datasets.list_table import read_header, read_list_text
from claip_emo_mm.datasets.published_lists import LIST_ENCODINGS, read_published_list
from claip_emo_mm.errors import InputError


def read_listed_clips(path: str | Path, schema: LabelSchema, first_number: int | None = None) -> list[ListedClip]:
    """Read an annotation list (see `read_annotation_list`), or a list without header or of a published form with paths.

    Args:
        path: the list.
        schema: classes; labels that are numbers become their names.
        first_number: number of the first class, 0 or 1, for a list of numbers that does not tell.
    Raises:
        InputError: the list cannot be read, or names clips without saying where they lie.
    """
    if not _is_published(path):
        return read_annotation_list(path)
    found = read_published_list(path, schema, first_number)
    if not found.has_paths:
        raise InputError(f'{path}: {found.form}: it names clips, but not where their pictures and sound lie. '
                         'tools/prepare_data.py makes such a list ready: dfew or mafw, with --lists for its folder.')
    return [ListedClip(clip.line, clip.label, clip.video, clip.frames, clip.audio, clip.num_frames)
            for clip in found.clips]


def _is_published(path: str | Path) -> bool:
    """Whether the first row is none of our headers, nor one that was meant to be."""
    if not Path(path).is_file():
        return False
    header, _, _ = read_header(read_list_text(path, LIST_ENCODINGS))
    return bool(header) and not is_our_header(header)
