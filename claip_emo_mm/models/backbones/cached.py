"""Stand-in for a frozen encoder whose features are read from a cache."""
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from safetensors.torch import load_file
from torch import Tensor, nn


@MODELS.register_module()
class CachedBackbone(BaseModule):
    """Pass features on, in place of the encoder that computed them; it has no parameters.

    Checkpoints have the same keys as with the encoder: `statistics` are those buffers of it that they hold.

    Args:
        pretrained: The encoder's weights, for the metadata of checkpoints.
        statistics: File of the buffers that checkpoints hold, such as those of batch norms; None for none.
        init_cfg: MMEngine's initialization.
    """

    def __init__(self, pretrained: str | None = None, statistics: str | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.weights_from = pretrained
        for key, value in (load_file(statistics) if statistics else {}).items():
            *path, name = key.split('.')
            module: nn.Module = self
            for part in path:
                if part not in dict(module.named_children()):
                    module.add_module(part, nn.Module())
                module = getattr(module, part)
            module.register_buffer(name, value)

    def forward(self, features: Tensor) -> Tensor:
        """Return features (n, ...) as they are."""
        return features
