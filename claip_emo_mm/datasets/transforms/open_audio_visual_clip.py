"""The door of every pipeline: whatever kind of clip goes in, the same reader comes out."""
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.readers import FrameFolder, SoundAlone, VideoFile
from claip_emo_mm.errors import InputError


@TRANSFORMS.register_module()
class OpenAudioVisualClip(BaseTransform):
    """Open a clip: a video file (`filename`), or a frame folder with a sound file (`frame_dir`, `audio_path`).

    Adds `clip` (a `ClipReader`) and `total_frames`. One pipeline serves both kinds, and the samples of the host's data
    sets: VideoDataset (`filename`), RawframeDataset (`frame_dir`, with its `filename_tmpl`) and AudioDataset
    (`audio_path` alone, with `total_frames`). A sample that brings an opened `clip` keeps it: a window of a long video.

    Raises:
        InputError: the files are missing, empty, cut off, or of another kind.
    """

    def transform(self, results: dict) -> dict:
        if results.get('clip') is not None:
            clip = results['clip']
        elif results.get('filename'):
            clip = VideoFile(results['filename'])
        elif results.get('frame_dir'):
            if results.get('offset'):
                raise InputError(f"{results['frame_dir']}: begins at frame {results['offset']} of its folder. "
                                 'OpenAudioVisualClip reads whole folders: set with_offset=False.')
            clip = FrameFolder(results['frame_dir'], results.get('audio_path'), results.get('filename_tmpl'))
        elif results.get('audio_path'):
            clip = SoundAlone(results['audio_path'], results.get('total_frames', 1))
        else:
            raise InputError(f'OpenAudioVisualClip: the sample has no filename, frame_dir or audio_path (found: '
                             f'{", ".join(results)}). Use it with AudioVisualDataset, or give one of them.')
        return dict(results, clip=clip, total_frames=clip.num_frames)
