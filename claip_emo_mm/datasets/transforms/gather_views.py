"""From what our transforms load to what MMAction2's own recognizers read."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError


@TRANSFORMS.register_module()
class GatherViews(BaseTransform):
    """Write out the views whose distinct frames and sound windows our transforms loaded, under the host's keys.

    Behind it stand the host's own `FormatShape` (or, for sound, `FormatAudioShape('NCTF')`) and `PackActionInputs`, and
    its augmentations in between; `Recognizer2D`, `Recognizer3D` and `RecognizerAudio` read the result.

    Pictures: reads `imgs`, U frames (H, W, 3), and `frame_index` (V, T); replaces `imgs` by a list of V*T frames, and
    adds `num_clips` V and `clip_len` T. Sound: reads `mel` (A, 1, M, F) and `audio_index` (V,); replaces `audios` by
    (V, M, F) float32.

    Raises:
        InputError: the sample has neither modality, or both, which the host's recognizers do not take.
    """

    def transform(self, results: dict) -> dict:
        found = [key for key in ('imgs', 'mel') if key in results]
        if len(found) != 1:
            raise InputError(f'GatherViews: the sample has {" and ".join(found) or "neither imgs nor mel"}; MMAction2 '
                             'has recognizers for one of the two. Put DecodeFrames or LogMel before it in the '
                             'pipeline, or use PackAudioVisualInputs and AudioVisualRecognizer.')
        if 'mel' in results:
            check_keys(self, results, audio_index='LoadSoundWindows')
            return dict(results, audios=results['mel'][:, 0].numpy()[results['audio_index']])
        check_keys(self, results, frame_index='SampleFrameViews')
        num_views, num_frames = np.shape(results['frame_index'])
        images = [results['imgs'][index] for index in np.ravel(results['frame_index'])]
        return dict(results, imgs=images, num_clips=num_views, clip_len=num_frames)
