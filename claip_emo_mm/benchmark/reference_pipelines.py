"""Our transforms with the figures of the reference recipe."""

_FRAME_SIZE = 224


def reference_pipeline(training: bool) -> list[dict]:
    """Transforms for clips of aligned faces with sound, such as those of DFEW and MAFW.

    Args:
        training: with one random view and augmentation, instead of two fixed views. (The reference counts four test
            views, but two each show the same pixels.)
    """
    views = dict() if training else dict(num_views=2, test_mode=True)
    augment_frames = [dict(type='RandAugmentFrames'), dict(type='RandomResizedCropFrames', size=_FRAME_SIZE),
                      dict(type='RandomFlipFrames'), dict(type='RandomEraseFrames')]
    return [dict(type='OpenAudioVisualClip'),
            dict(type='SampleFrameViews', clip_len=16, stride=4, **views),
            dict(type='DecodeFrames'),
            dict(type='ResizeFrames', size=_FRAME_SIZE, exact=not training),
            *(augment_frames if training else []),
            dict(type='LoadSoundWindows'),
            *([dict(type='RandomRollGain')] if training else []),
            dict(type='LogMel'),
            dict(type='PackAudioVisualInputs')]
