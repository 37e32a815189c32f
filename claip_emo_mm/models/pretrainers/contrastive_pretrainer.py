"""Language supervision for the toy towers: features and captions that belong together come close."""
import math

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.model import BaseModel
from open_clip.loss import ClipLoss
from open_clip.transformer import TextTransformer
from torch import Tensor, nn

_LARGEST_SCALE = 100  # of the similarities, as CLIP was trained


@MODELS.register_module()
class ContrastivePretrainer(BaseModel):
    """Train a backbone as CLIP (arXiv 2103.00020) and CLAP (arXiv 2211.06687) were, with a small text tower.

    Args:
        backbone: Config of the network to pretrain: ``CLIPVisualBackbone`` or ``CLAPAudioBackbone``, not frozen.
        inputs_key: Entry of the inputs that it takes: ``'frames'`` or ``'mel'``.
        vocab_size: Words of the captions, padding and the two end marks included.
        context_length: Tokens of the longest caption, end marks included.
        neck: Config of a network between the backbone and the projection; None for none.
        embed_dims: Width of the common space and of the text tower.
        text_layers: Layers of the text tower.
        text_heads: Attention heads of the text tower.
        data_preprocessor: Config of the data preprocessor.
    """

    def __init__(self, backbone: dict, inputs_key: str, vocab_size: int, context_length: int, neck: dict | None = None,
                 embed_dims: int = 128, text_layers: int = 2, text_heads: int = 4,
                 data_preprocessor: dict | None = None) -> None:
        super().__init__(data_preprocessor=data_preprocessor or dict(type='AudioVisualDataPreprocessor'))
        self.inputs_key = inputs_key
        self.backbone = MODELS.build(backbone)
        self.neck = neck and MODELS.build(neck)
        self.projection = nn.Linear(self.backbone.out_channels, embed_dims, bias=False)
        self.text_tower = TextTransformer(context_length, vocab_size, embed_dims, text_heads, text_layers,
                                          output_dim=embed_dims, no_causal_mask=True)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))  # CLIP's first temperature
        self.contrast = ClipLoss()

    def forward(self, inputs: dict[str, Tensor], data_samples: list[ActionDataSample],
                mode: str = 'loss') -> dict[str, Tensor]:
        """Compare every picture or sound of the batch with every caption.

        Args:
            inputs: ``frames`` (U, 3, H, W) or ``mel`` (A, 1, M, F).
            data_samples: Their captions: ``tokens`` (n, L) of each sample, in the order of the inputs.
            mode: ``'loss'`` alone is meant.
        Returns: ``loss``, and ``accuracy``: the share of inputs that are closest to their own caption.
        """
        if mode != 'loss':
            raise ValueError(f"mode='{mode}': ContrastivePretrainer only trains.")
        features = self.backbone(inputs[self.inputs_key])
        if self.neck is not None:
            features = self.neck(features)
        features = F.normalize(self.projection(features), dim=-1)
        tokens = torch.cat([sample.tokens for sample in data_samples]).to(features.device)
        captions = F.normalize(self.text_tower(tokens), dim=-1)
        nearest = (features.detach() @ captions.detach().T).argmax(1)
        return dict(loss=self.contrast(features, captions, self.log_scale.clamp(max=math.log(_LARGEST_SCALE)).exp()),
                    accuracy=(nearest == torch.arange(len(nearest), device=nearest.device)).float().mean())
