"""Opening of clips and decoding of frames."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.errors import InputError, check_choice
from claip_emo_mm.media.audio import AudioFile
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.structures import MISSING_INDEX

_MASK_SIDE = 64  # pixels of the black frame in place of missing ones


def check_keys(transform: object, sample: dict, **producers: str) -> None:
    """Raise an `InputError` where a sample lacks keys that a transform reads; `producers` are key = transform."""
    missing = [key for key in producers if key not in sample]
    if missing:
        raise InputError(f'{type(transform).__name__}: the sample has no {", ".join(missing)} (found: '
                         f'{", ".join(sample)}). Put {", ".join(dict.fromkeys(producers[key] for key in missing))} '
                         f'before {type(transform).__name__} in the pipeline.')


@TRANSFORMS.register_module()
class OpenAudioVisualClip(BaseTransform):
    """Open a clip: a video file (`filename`), or a frame folder with an audio file (`frame_dir`, `audio_path`).

    Adds `clip` (a `ClipReader`) and `total_frames`. Also opens the samples of MMAction2's data sets: VideoDataset
    (`filename`), RawframeDataset (`frame_dir`, with its `filename_tmpl`) and AudioDataset (`audio_path` alone, with
    `total_frames`). An opened `clip` in the sample is kept: a window of a long video.

    Raises:
        InputError: the files are missing, empty, cut off, or of another format.
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
            clip = AudioFile(results['audio_path'], results.get('total_frames', 1))
        else:
            raise InputError(f'OpenAudioVisualClip: the sample has no filename, frame_dir or audio_path (found: '
                             f'{", ".join(results)}). Use it with AudioVisualDataset, or give one of them.')
        return dict(results, clip=clip, total_frames=clip.num_frames)


@TRANSFORMS.register_module()
class DecodeFrames(BaseTransform):
    """Decode the distinct frames of the views.

    Reads `clip` and `frame_inds` (U,). Adds `imgs`, (U, H, W, 3) uint8 RGB (a list of (H, W, 3) where a folder's images
    differ in size), and `img_shape` (H, W) of the first, as MMAction2's transforms expect them.

    Args:
        on_missing: without frames: 'error', or 'mask': a black frame that is not packed, and `frame_index` -1.
    """

    def __init__(self, on_missing: str = 'error') -> None:
        check_choice(self, ('error', 'mask'), on_missing=on_missing)
        self.on_missing = on_missing

    def transform(self, results: dict) -> dict:
        check_keys(self, results, clip='OpenAudioVisualClip', frame_inds='SampleFrameViews')
        clip = results['clip']
        if clip.has_frames:
            frames = clip.decode(results['frame_inds'])
            return dict(results, imgs=frames, img_shape=frames[0].shape[:2])
        self.check_missing(clip.path)
        black = np.zeros((1, _MASK_SIDE, _MASK_SIDE, 3), np.uint8)
        return dict(results, imgs=black, img_shape=black.shape[1:3], frame_missing=True,
                    frame_index=np.full_like(results['frame_index'], MISSING_INDEX))

    def check_missing(self, path: str) -> None:
        """Raise an `InputError` about a clip without frames, where `on_missing` is 'error'."""
        if self.on_missing == 'error':
            raise InputError(f"{path}: an audio file has no frames. Take DecodeFrames out of the pipeline of a model "
                             "without frames, or set on_missing='mask' in it, for a model of both.")
