"""What a published list says."""
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedClip:
    """One row of a published list; paths are as written there, '' where the row has none.

    Args:
        line: line of the file, from 1.
        clip_id: number of the clip with the data set's zero padding (``'00001'``), or another name of it.
        label: name of the class in the schema.
        video: video file.
        frames: folder of frames.
        audio: sound file.
        num_frames: frames of the folder, where the list counts them.
    """

    line: int
    clip_id: str
    label: str
    video: str = ''
    frames: str = ''
    audio: str = ''
    num_frames: int | None = None


@dataclass(frozen=True)
class PublishedList:
    """A list that was read.

    Args:
        form: which of the published forms it has, and how its labels count.
        has_paths: whether its rows say where the clips lie, instead of naming them alone.
        clips: its rows.
    """

    form: str
    has_paths: bool
    clips: tuple[PublishedClip, ...]

    def left_out_of(self, other: 'PublishedList') -> tuple[PublishedClip, ...]:
        """Return the clips of this list that another one does not have; MAFW's without sound for instance."""
        there = {clip.clip_id for clip in other.clips}
        return tuple(clip for clip in self.clips if clip.clip_id not in there)
