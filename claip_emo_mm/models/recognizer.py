"""The audio-visual recognizer."""
from typing import Any

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.dist import get_world_size
from mmengine.model import BaseModel
from torch import Tensor, nn

from claip_emo_mm.errors import InputError, check_choice, check_whole
from claip_emo_mm.models.backbones.network_kinds import check_network
from claip_emo_mm.models.layers.cpu_ops import is_recorded
from claip_emo_mm.models.layers.lora import scale_adapters
from claip_emo_mm.models.layers.precision import PRECISIONS, lower_precision
from claip_emo_mm.models.layers.views import ModalityDropout, encode_in_chunks, gather_features, mask_features
from claip_emo_mm.structures import MISSING_INDEX, SKIP_REASON, is_skipped

_MODALITIES = ('visual', 'audio')


@MODELS.register_module()
class AudioVisualRecognizer(BaseModel):
    """Classify clips by their frames and audio: two backbones, two necks, one head.

    Either modality may be missing, in the model or in single clips: the index of views without it is -1, and their
    feature is zeros.

    Args:
        cls_head: Config of the head: features of the clips -> logits.
        visual_backbone: Config of the network that maps frames (U, 3, H, W) to features (U, D), or, with
            ``reads_views``, views (B, T, 3, H, W) to features (B, T', D).
        audio_backbone: Config of the network that maps mel spectrograms (A, 1, M, F) to latent maps.
        visual_neck: Config of the network that maps the frame features of views (B, T, D) to (B, D); None averages.
        audio_neck: Config of the network that maps latent maps to (A, D'); None for backbones that give (A, D').
        data_preprocessor: Config of the data preprocessor.
        modality: ``'visual'`` or ``'audio'`` to test a model for both with one: the feature of the other is zeros, and
            its backbone does not run. Training takes ``'both'``.
        adapter_scale: From 0 to 1: scales what the adapters add, to test between the frozen and the trained model;
            see ``scale_adapters``. Training takes 1.
        precision: ``'bf16'``, or on a GPU ``'fp16'``, to test in that type by PyTorch's autocast: faster, with other
            scores; ``'fp32'`` for the type of the weights, which training takes (see ``AmpOptimWrapper``).
        modality_dropout: Fields of ``ModalityDropout``; None for no modality dropout.
        frame_chunk_size: Frames that the visual backbone encodes at once in evaluation, which bounds the memory; on a
            CPU at most 16. None for all.
        audio_chunk_size: Audio windows, likewise.
        init_cfg: MMEngine's initialization.
    """

    def __init__(self, cls_head: dict, visual_backbone: dict | None = None, audio_backbone: dict | None = None,
                 visual_neck: dict | None = None, audio_neck: dict | None = None,
                 data_preprocessor: dict | None = None, modality: str = 'both', adapter_scale: float = 1.,
                 precision: str = 'fp32', modality_dropout: dict | None = None, frame_chunk_size: int | None = 64,
                 audio_chunk_size: int | None = 16, init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor=data_preprocessor or dict(type='AudioVisualDataPreprocessor'),
                         init_cfg=init_cfg)
        if visual_backbone is None and audio_backbone is None:
            raise InputError('AudioVisualRecognizer: visual_backbone and audio_backbone are both missing. '
                             'Give at least one of them.')
        for name, backbone, neck in (('visual', visual_backbone, visual_neck), ('audio', audio_backbone, audio_neck)):
            if backbone is None and neck is not None:
                raise InputError(f'AudioVisualRecognizer: {name}_neck is given without {name}_backbone.')
            if backbone is not None:
                check_network(f'AudioVisualRecognizer: {name}_backbone', backbone)
        self.visual_backbone = visual_backbone and MODELS.build(visual_backbone)
        self.audio_backbone = audio_backbone and MODELS.build(audio_backbone)
        self.visual_neck = visual_neck and MODELS.build(visual_neck)
        self.audio_neck = audio_neck and MODELS.build(audio_neck)
        self.cls_head = MODELS.build(cls_head)
        if type(self.cls_head).__module__.startswith('mmaction.'):
            name = type(self.cls_head).__name__
            raise InputError(f'AudioVisualRecognizer: cls_head: {name} is a head of MMAction2. Use cls_head=dict('
                             f"type='MMActionFusionHead', head=dict(type='{name}', ...)).")
        self.modality = modality
        self.adapter_scale = adapter_scale
        self.precision = precision
        if adapter_scale != 1:
            scale_adapters(self, adapter_scale)
        self.modality_dropout = modality_dropout and ModalityDropout(**modality_dropout)
        self.frame_chunk_size = frame_chunk_size
        self.audio_chunk_size = audio_chunk_size
        check_choice(self, ('both', *_MODALITIES), modality=modality)
        check_choice(self, PRECISIONS, precision=precision)
        if modality != 'both' and not self._has(modality):
            raise InputError(f"AudioVisualRecognizer: modality='{modality}', but the model has no {modality}_backbone."
                             " Set modality='both', or test a model that has it.")
        if modality_dropout and not all(map(self._has, _MODALITIES)):
            raise InputError('AudioVisualRecognizer: modality_dropout is for models of both modalities, but there is '
                             'one backbone. Set modality_dropout=None.')
        check_whole(self, frame_chunk_size=frame_chunk_size, audio_chunk_size=audio_chunk_size)

    def _has(self, name: str) -> bool:
        return getattr(self, f'{name}_backbone') is not None

    def _reads(self, name: str) -> bool:
        return self._has(name) and self.modality in ('both', name)

    @property
    def reads_frames(self) -> bool:
        """Whether the model encodes single frames; not where its visual backbone reads views."""
        return self._reads('visual') and not getattr(self.visual_backbone, 'reads_views', False)

    def forward(self, inputs: dict[str, Tensor], data_samples: list[ActionDataSample] | None = None,
                mode: str = 'tensor') -> Any:
        """Compute losses, predictions or logits.

        Args:
            inputs: What ``AudioVisualDataPreprocessor.forward`` returns as `inputs`, with the index -1 for what a clip
                lacks; ``frames`` may be features (U, D) of `encode_frames`.
                With ``mode='tensor'``, ``frames`` (B, T, 3, H, W), normalized, and ``mel`` (B, 1, M, F).
            data_samples: One per clip; with labels for ``mode='loss'``. Clips that could not be read have no inputs
                and get no scores.
            mode: ``'loss'`` gives a dict of losses, ``'predict'`` the data samples with scores, ``'tensor'`` the
                logits (B, K).
        """
        if mode == 'tensor':
            return self.cls_head(**self.extract_feat(self._add_indices(inputs)))
        if mode not in ('loss', 'predict'):
            raise ValueError(f"mode='{mode}' is none of 'loss', 'predict', 'tensor'.")
        if mode == 'loss' and self.modality != 'both':
            raise InputError(f"AudioVisualRecognizer: modality='{self.modality}' is for tests. To train one modality, "
                             'leave the backbone of the other out of the model.')
        if mode == 'loss' and self.adapter_scale != 1:
            raise InputError(f'AudioVisualRecognizer: adapter_scale={self.adapter_scale:g} is for tests. Leave it out '
                             'to train.')
        if mode == 'loss' and self.precision != 'fp32':
            raise InputError(f"AudioVisualRecognizer: precision='{self.precision}' is for tests. To train in it, leave "
                             "it out and set optim_wrapper.type='AmpOptimWrapper'.")
        readable = [sample for sample in data_samples if not is_skipped(sample)]
        if not readable:
            return data_samples if mode == 'predict' else self._no_loss(data_samples)
        logits = self.cls_head(**self.extract_feat(inputs))  # (B*V, K)
        if mode == 'predict':
            self.cls_head.predict_by_feat(logits, readable)
            return data_samples
        if len(logits) != len(readable):
            raise InputError(f'AudioVisualRecognizer: {len(logits)} views for {len(readable)} clips in training. '
                             'Training takes one view a clip: set num_clips=1 in the training pipeline.')
        return self.cls_head.loss_by_feat(logits, readable)

    def _no_loss(self, data_samples: list[ActionDataSample]) -> dict[str, Tensor]:
        """Return the loss of a batch without a clip: 0, with gradients of 0 for all ranks to exchange."""
        if get_world_size() > 1 and any(isinstance(module, nn.SyncBatchNorm) for module in self.modules()):
            raise InputError(f'not one of the {len(data_samples)} clips of a batch could be read, and the batch norm '
                             f'of the other processes would wait for ever: {data_samples[0].get(SKIP_REASON)}')
        return dict(loss_cls=sum(0 * parameter.sum() for parameter in self.parameters() if parameter.requires_grad))

    def extract_feat(self, inputs: dict[str, Tensor] | Tensor) -> dict[str, Tensor]:
        """Encode every distinct frame and audio window once, and gather the features of the views.

        Args:
            inputs: As for ``mode='predict'``; or frames (B, T, 3, H, W), for MMAction2's get_flops, with silent audio.
        Returns: ``visual`` (B*V, D) and ``audio`` (B*V, D'), each where the model has that modality.
        """
        if isinstance(inputs, Tensor):
            shape = getattr(self.audio_backbone, 'input_shape', None)
            silence = {} if shape is None else dict(mel=inputs.new_zeros(len(inputs), *shape))
            inputs = self._add_indices(dict(frames=inputs, **silence))
        features, missing = {}, {}
        for name, encode in (('visual', self._visual_features), ('audio', self._audio_features)):
            if self._reads(name):
                with lower_precision(self.precision, inputs):
                    features[name], missing[name] = encode(inputs)
                if self.precision != 'fp32':
                    features[name] = features[name].float()
        if self.training and self.modality_dropout:
            features = self.modality_dropout(features, missing)
        for name in _MODALITIES:
            if self._has(name) and name not in features:
                features[name] = self.cls_head.zero_feature(name, features[self.modality])
        return features

    def _visual_features(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return features (B*V, D) of the views, and whether they lack frames; equal views are encoded once."""
        frames, index = self._entry(inputs, 'frames'), self._entry(inputs, 'frame_index').flatten(0, 1)  # (B*V, T)
        view_index = None
        if not self.training and not is_recorded():
            index, view_index = index.unique(dim=0, return_inverse=True)
        missing = index[:, 0] == MISSING_INDEX
        views = self._encode_views(frames, index, missing)  # (B*V, T, D)
        views = views.mean(1) if self.visual_neck is None else self.visual_neck(views)
        views = mask_features(missing, views)
        return (views, missing) if view_index is None else (views[view_index], missing[view_index])

    def encode_frames(self, frames: Tensor) -> Tensor:
        """Encode distinct, normalized frames (U, 3, H, W) to features (U, D), which `inputs` takes in their place.

        For models whose visual backbone reads single frames.
        """
        with lower_precision(self.precision, dict(frames=frames)):
            features = encode_in_chunks(self.visual_backbone, None, frames, self.frame_chunk_size)
        if features.ndim != 2:
            network = type(self.visual_backbone).__name__
            raise InputError(f'AudioVisualRecognizer: visual_backbone {network} gives an output of shape '
                             f'{tuple(features.shape)} for frames; expected is one vector each. Wrap it as '
                             f"visual_backbone=dict(type='ImageBackboneWrapper', backbone=dict(type='{network}', ...))")
        return features

    def _encode_views(self, frames: Tensor, index: Tensor, missing: Tensor) -> Tensor:
        """Encode the distinct frames, or for a backbone that reads views, the views; (B*V, T, D)."""
        if not self.reads_frames:
            chunk_size = self.frame_chunk_size and max(self.frame_chunk_size // index.shape[1], 1)
            features = encode_in_chunks(self.visual_backbone, None, frames[index[~missing]], chunk_size)
            return gather_features(features, torch.where(missing, MISSING_INDEX, (~missing).cumsum(0) - 1))
        features = frames if frames.ndim == 2 else self.encode_frames(frames)
        return gather_features(features, index)

    def _audio_features(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return features (B*V, D') of the views, and whether they lack audio."""
        features = encode_in_chunks(self.audio_backbone, self.audio_neck, self._entry(inputs, 'mel'),
                                    self.audio_chunk_size)
        index = self._entry(inputs, 'audio_index').flatten()
        return gather_features(features, index), index == MISSING_INDEX

    def _entry(self, inputs: dict[str, Tensor], key: str) -> Tensor:
        if key not in inputs:
            raise InputError(f"AudioVisualRecognizer: the inputs have no '{key}' (found: {', '.join(inputs)}). Add "
                             "that modality's transforms to the pipeline, or leave its backbone out of the model.")
        return inputs[key]

    def _check_devices(self, inputs: dict[str, Tensor]) -> None:
        device = next(self.parameters()).device
        for key, value in inputs.items():
            if value.device != device:
                raise InputError(f'AudioVisualRecognizer: the {key} are on {value.device}, but the model is on '
                                 f"{device}. Move one of them: inputs['{key}'].to('{device}').")

    def _add_indices(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Add indices to inputs with one view a clip and distinct frames."""
        if not is_recorded():
            self._check_devices(inputs)
        views = {}
        if self._reads('visual'):
            frames = self._entry(inputs, 'frames')
            num_clips, num_frames = frames.shape[:2]
            index = torch.arange(num_clips * num_frames, device=frames.device).view(num_clips, 1, num_frames)
            views.update(frames=frames.flatten(0, 1), frame_index=index)
        if self._reads('audio'):
            mel = self._entry(inputs, 'mel')
            views.update(mel=mel, audio_index=torch.arange(mel.shape[0], device=mel.device)[:, None])
        return views
