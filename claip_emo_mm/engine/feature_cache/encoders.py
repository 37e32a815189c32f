"""The frozen encoders that features are extracted by."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from safetensors.torch import save_file
from torch import Tensor, nn

from claip_emo_mm.engine.checkpoints.compatibility import frozen_keys, weight_hash
from claip_emo_mm.engine.feature_cache.points import KEY, FeatureCacheConfig, applied_neck
from claip_emo_mm.errors import InputError, named
from claip_emo_mm.models.layers.views import encode_in_chunks
from claip_emo_mm.utils.io import atomic_write

STATISTICS = 'statistics.safetensors'  # buffers that checkpoints hold


class FrozenEncoder:
    """An encoder in evaluation mode, up to the point where its features are kept.

    Args:
        cfg: config of the whole model.
        name: modality.
        options: of the cache.
        device: where to compute.
    Raises:
        InputError: parameters below that point are trainable.
    """

    def __init__(self, cfg: Config, name: str, options: FeatureCacheConfig, device: str) -> None:
        self.attribute = f'{name}_backbone'
        self.backbone = MODELS.build(cfg.model[self.attribute]).eval()
        self.block = options.visual_block if name == 'visual' else None
        if self.block is None:  # else the plan has checked the blocks
            self._refuse_trainable()
        model = nn.ModuleDict({self.attribute: self.backbone})
        omitted = frozen_keys(model).get(self.attribute, [])
        self.frozen_sha256 = weight_hash(model, omitted)
        self.kept = {key.partition('.')[2]: value for key, value in model.state_dict().items()
                     if key not in omitted} if self.block is None else {}
        self.network = self.backbone if self.block is None else _Lower(self.backbone, self.block).eval()
        self.neck = MODELS.build(cfg.model[f'{name}_neck']) if applied_neck(cfg, name) else None
        self.key, self.index_key = ('frames', 'frame_index') if name == 'visual' else ('mel', 'audio_index')
        self.chunk_size = cfg.model.get('frame_chunk_size' if name == 'visual' else 'audio_chunk_size', 16)
        preprocessor = dict(cfg.model.get('data_preprocessor') or dict(type='AudioVisualDataPreprocessor'))
        preprocessor['blending'] = None
        self.preprocessor = MODELS.build(preprocessor).to(device)
        model.to(device)

    def _refuse_trainable(self) -> None:
        found = [f'{self.attribute}.{name}' for name, parameter in self.backbone.named_parameters()
                 if parameter.requires_grad]
        if found:
            raise InputError(f'{KEY}: {len(found)} parameters would be trained below the point where features are '
                             f'kept, so these would be old after one step: {named(found)}. Set '
                             f'model.{self.attribute}.lora=None, and frozen=True, or take a config of configs/cached.')

    @torch.inference_mode()
    def encode(self, inputs: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Encode the frames or audio windows of packed samples to features (n, ...), float32."""
        values = self.preprocessor(pseudo_collate(list(inputs)))['inputs'][self.key]
        return encode_in_chunks(self.network, self.neck, values, self.chunk_size).float().cpu().numpy()

    def write_statistics(self, folder: Path) -> bool:
        """Write the buffers that checkpoints hold to a folder of the cache; whether there are any."""
        if self.kept:
            with atomic_write(folder / STATISTICS) as temporary:
                save_file({key: value.contiguous().cpu() for key, value in self.kept.items()}, temporary)
        return bool(self.kept)


class _Lower(nn.Module):
    """The blocks of a CLIPVisualBackbone up to one of them."""

    def __init__(self, backbone: nn.Module, block: int) -> None:
        super().__init__()
        self.backbone, self.block = backbone, block

    def forward(self, frames: Tensor) -> Tensor:
        """(U, 3, H, W) to tokens (U, N, D)."""
        return self.backbone.embed(frames, self.block + 1)
