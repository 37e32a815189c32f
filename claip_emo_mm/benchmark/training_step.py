"""One step of training and one of evaluation, the same for every model that is compared."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claip_emo_mm.models import AudioVisualRecognizer


class TrainingStep:
    """Forward, cross entropy, backward and AdamW over what is trainable.

    Args:
        model: Maps a batch to logits (B, K).
        batch: Its input.
    """

    def __init__(self, model: nn.Module, batch: dict[str, Tensor]) -> None:
        self.model = model
        self.batch = batch
        self.labels = torch.arange(len(batch['frames']), device=batch['frames'].device)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=1e-5, weight_decay=.05)

    def __call__(self) -> None:
        self.model.train()
        F.cross_entropy(self.model(self.batch), self.labels).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()


def evaluate(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Logits (B, K) in evaluation."""
    model.eval()
    with torch.no_grad():
        return model(batch)


def set_checkpointing(model: AudioVisualRecognizer, on: bool) -> None:
    """Set ``checkpoint_blocks`` of both backbones."""
    for backbone in (model.visual_backbone, model.audio_backbone):
        backbone.checkpoint_blocks = on
