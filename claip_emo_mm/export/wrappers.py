"""Modules to export: from frames and audio to scores, or from the model's own tensors to logits."""
from collections.abc import Sequence

import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from claip_emo_mm.export.front_end import AudioFrontEnd, Clip, FrontEnd
from claip_emo_mm.models.data_preprocessor import join_clips
from claip_emo_mm.models.heads.fusion_head import average_views


class MediaModel(nn.Module):
    """An ``AudioVisualRecognizer`` with everything that follows decoding, sampling and resizing."""

    output_names = ('scores', 'logits')
    input_texts = dict(
        frames='(U, 3, H, W) uint8 RGB: the distinct frames of all clips, resized',
        frame_index='(B, V, T) int64: which of the frames each of the V views of the B clips is made of',
        audio='(A, n) float32, -1 to 1: the distinct windows of audio',
        audio_index='(B, V) int64: which of the audio each view has')

    def __init__(self, model: nn.Module, front_end: FrontEnd) -> None:
        super().__init__()
        self.model = model
        self.audio_front_end = front_end.log_mel and AudioFrontEnd(front_end.log_mel)

    def forward(self, frames: Tensor | None = None, frame_index: Tensor | None = None, audio: Tensor | None = None,
                audio_index: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Recognize clips, as ``tools/test.py`` does, from what ``input_texts`` describes.

        Returns: scores (B, K) of the clips, probabilities; logits (B, V, K) of their views.
        """
        inputs = {}
        if frames is not None:
            inputs.update(frames=self.model.data_preprocessor.normalize(frames.float()), frame_index=frame_index)
        if audio is not None:
            inputs.update(mel=self.audio_front_end(audio), audio_index=audio_index)
        index = frame_index if frames is not None else audio_index
        logits = self.model.cls_head(**self.model.extract_feat(inputs)).unflatten(0, index.shape[:2])  # (B, V, K)
        return average_views(logits, self.model.cls_head.average_clips), logits

    def inputs(self, clips: Sequence[Clip]) -> dict[str, Tensor]:
        """Inputs of `forward` for a batch of clips with the same number of views."""
        inputs, arrays = pseudo_collate(clips)['inputs'], {}
        for key, index_key in (('frames', 'frame_index'), ('audio', 'audio_index')):
            if key in inputs:
                arrays[key], arrays[index_key] = join_clips(key, inputs[key], index_key, inputs[index_key])
        return arrays

    def expected(self, clips: Sequence[Clip]) -> tuple[Tensor, Tensor]:
        """Expected outputs, from the pipeline's own spectrograms and the recognizer's own prediction."""
        data = self.model.data_preprocessor(pseudo_collate(clips))
        logits = self.model.cls_head(**self.model.extract_feat(data['inputs']))  # (B*V, K)
        samples = self.model(**data, mode='predict')
        return torch.stack([sample.pred_score for sample in samples]), logits.unflatten(0, (len(clips), -1))

    def dynamic_shapes(self) -> dict[str, dict[int, object]]:
        """Names of the dimensions of each input that may differ from call to call."""
        clips, views = torch.export.Dim('clips'), torch.export.Dim('views')
        frames = {0: clips, 1: views}
        if self.model.visual_neck is None:  # averages; a neck has learned positions of its frames
            frames[2] = torch.export.Dim('frames_of_a_view')
        shapes = dict(frames={0: torch.export.Dim('distinct_frames')}, frame_index=frames)
        if self.audio_front_end is not None:
            shortest = self.audio_front_end.log_mel.filterbank.window_samples
            shapes.update(audio={0: torch.export.Dim('distinct_audio'), 1: torch.export.Dim('samples', min=shortest)},
                          audio_index={0: clips, 1: views})
        return shapes


class TensorModel(nn.Module):
    """An ``AudioVisualRecognizer`` with ``mode='tensor'``: normalized frames and spectrograms in, logits out."""

    output_names = ('logits',)
    input_texts = dict(frames='(B, T, 3, H, W) float32, resized and normalized',
                       mel='(B, 1, M, F) float32 log-mel spectrograms')

    def __init__(self, model: nn.Module, front_end: FrontEnd) -> None:
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor | None = None, mel: Tensor | None = None) -> tuple[Tensor]:
        """Map frames (B, T, 3, H, W) and mel (B, 1, M, F) to logits (B, K)."""
        inputs = dict(frames=frames, mel=mel)
        return self.model({key: value for key, value in inputs.items() if value is not None}, mode='tensor'),

    def inputs(self, clips: Sequence[Clip]) -> dict[str, Tensor]:
        """Inputs of `forward`: every view of the clips is one."""
        data = self.model.data_preprocessor(pseudo_collate(clips))['inputs']
        keys = (('frames', 'frame_index'), ('mel', 'audio_index'))  # to (B*V, T, 3, H, W) and (B*V, 1, M, F)
        return {key: data[key][data[index_key].flatten(0, 1)] for key, index_key in keys if key in data}

    def expected(self, clips: Sequence[Clip]) -> tuple[Tensor]:
        """Expected outputs."""
        return self(**self.inputs(clips))

    def dynamic_shapes(self) -> dict[str, dict[int, object]]:
        """Names of the dimensions of each input that may differ from call to call."""
        clips = torch.export.Dim('clips')
        frames = {0: clips}
        if self.model.visual_neck is None:
            frames[1] = torch.export.Dim('frames_of_a_view')
        return dict(frames=frames, mel={0: clips})


FORMATS = dict(media=MediaModel, tensors=TensorModel)
