"""Contrastive pretraining of an encoder with captions."""
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.model import BaseModel
from torch import Tensor, nn

from claip_emo_mm.errors import check_whole
from claip_emo_mm.models.weights.formats import State


@MODELS.register_module()
class ContrastivePretrainer(BaseModel):
    """Train a backbone against a small text encoder, as CLIP and CLAP were, with the sigmoid loss of SigLIP.

    Captions are lists of phrases. Each input of a batch is compared with each distinct phrase of the batch; those of
    its own caption are the positives (arXiv 2303.15343, with several positives instead of one).

    Args:
        backbone: Config of the backbone, ``CLIPVisualBackbone`` or ``CLAPAudioBackbone``; a frozen one trains a text
            encoder for it.
        inputs_key: Its entry of the inputs: ``'frames'`` or ``'mel'``.
        vocab_size: Number of words, with padding and the two end tokens.
        context_length: L, tokens of the longest phrase, end tokens included.
        neck: Config of the neck between backbone and projection; None for none.
        embed_dims: Width of the common space and of the text encoder.
        text_layers: Layers of the text encoder.
        text_heads: Attention heads of the text encoder.
        data_preprocessor: Config of the data preprocessor.
    """

    def __init__(self, backbone: dict, inputs_key: str, vocab_size: int, context_length: int, neck: dict | None = None,
                 embed_dims: int = 128, text_layers: int = 2, text_heads: int = 4,
                 data_preprocessor: dict | None = None) -> None:
        check_whole(self, vocab_size=vocab_size, context_length=context_length, embed_dims=embed_dims,
                    text_layers=text_layers, text_heads=text_heads)
        from open_clip.transformer import TextTransformer  # with all of timm
        super().__init__(data_preprocessor=data_preprocessor or dict(type='AudioVisualDataPreprocessor'))
        self.inputs_key = inputs_key
        self.backbone = MODELS.build(backbone)
        self.neck = neck and MODELS.build(neck)
        self.projection = nn.Linear(self.backbone.out_channels, embed_dims, bias=False)
        self.text_tower = TextTransformer(context_length, vocab_size, embed_dims, text_heads, text_layers,
                                            output_dim=embed_dims, no_causal_mask=True)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.)))  # SigLIP's first temperature
        self.bias = nn.Parameter(torch.tensor(-2.))  # about one phrase in eight is true

    def forward(self, inputs: dict[str, Tensor], data_samples: list[ActionDataSample],
                mode: str = 'loss') -> dict[str, Tensor]:
        """Compare every input of the batch with every phrase.

        Args:
            inputs: ``frames`` (U, 3, H, W) or ``mel`` (A, 1, M, F).
            data_samples: Their captions: ``tokens`` (n, phrases, L) of each sample, in the order of the inputs.
            mode: Only ``'loss'``.
        Returns: ``loss``, and ``precision``: the ratio of true phrases among as many nearest ones as a caption has.
        """
        if mode != 'loss':
            raise ValueError(f"mode='{mode}': ContrastivePretrainer only trains.")
        features = self.backbone(inputs[self.inputs_key])
        if self.neck is not None:
            features = self.neck(features)
        features = F.normalize(self.projection(features), dim=-1)
        tokens = torch.cat([sample.tokens for sample in data_samples]).to(features.device)  # (n, phrases, L)
        phrases, index = tokens.flatten(0, 1).unique(dim=0, return_inverse=True)
        targets = features.new_zeros(len(tokens), len(phrases)).scatter_(1, index.view(tokens.shape[:2]), 1)
        similarity = features @ F.normalize(self.text_tower(phrases), dim=-1).T
        logits = self.log_scale.exp() * similarity + self.bias
        nearest = logits.detach().topk(tokens.shape[1]).indices
        return dict(loss=F.binary_cross_entropy_with_logits(logits, targets),
                    precision=targets.gather(1, nearest).mean())

    def language_state(self, vocabulary: Sequence[str]) -> State:
        """Weights of text encoder, projection and temperature, float16, under open_clip's names, with its words."""
        state = {key: value for key, value in self.text_tower.state_dict().items() if value.is_floating_point()}
        state |= {f'{"visual" if self.inputs_key == "frames" else "audio"}.proj': self.projection.weight.T.contiguous(),
                  'logit_scale': self.log_scale}
        words = torch.tensor(list(' '.join(vocabulary).encode()), dtype=torch.uint8)
        return {key: value.detach().half() for key, value in state.items()} | dict(vocabulary=words)
