"""Build the recognizer and compute logits from tensors: python docs/examples/logits.py."""
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

import claip_emo_mm  # noqa: F401 - patches MMAction2, registers every component

init_default_scope('mmaction')
cfg = Config.fromfile('configs/_base_/models/claip_emo_tiny.py')
model = MODELS.build(cfg.model).eval()
frames = torch.randn(2, 8, 3, 64, 64)  # (B, T, 3, H, W), normalized
mel = torch.randn(2, 1, 256, 64)  # (B, 1, M, F)
with torch.no_grad():
    logits = model(dict(frames=frames, mel=mel), mode='tensor')
print(logits.shape)  # torch.Size([2, 7])
