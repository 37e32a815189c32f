"""The door of every pipeline: whatever kind of clip goes in, the same reader comes out."""
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.readers import FrameFolder, VideoFile
from claip_emo_mm.errors import InputError


@TRANSFORMS.register_module()
class OpenAudioVisualClip(BaseTransform):
    """Open a clip: a video file (`filename`), or a frame folder with a sound file (`frame_dir`, `audio_path`).

    Adds `clip` (a `ClipReader`) and `total_frames`. One pipeline serves both kinds.

    Raises:
        InputError: the files are missing, empty, cut off, or of another kind.
    """

    def transform(self, results: dict) -> dict:
        if results.get('filename'):
            clip = VideoFile(results['filename'])
        elif results.get('frame_dir'):
            clip = FrameFolder(results['frame_dir'], results.get('audio_path'))
        else:
            raise InputError(f'OpenAudioVisualClip: the sample has neither filename nor frame_dir (found: '
                             f'{", ".join(results)}). Use it with AudioVisualDataset, or give one of the two.')
        return dict(results, clip=clip, total_frames=clip.num_frames)
