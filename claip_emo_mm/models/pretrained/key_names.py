"""What Hugging Face and the reference call the layers of the towers."""
import re

import torch
from torch import Tensor

# In this order: a later pattern sees what an earlier one made.
_CLIP_NAMES = (
    (r'^embeddings\.class_embedding$', 'class_embedding'),
    (r'^embeddings\.position_embedding\.weight$', 'positional_embedding'),
    (r'^embeddings\.patch_embedding\.', 'conv1.'),
    (r'^pre_layrnorm\.', 'ln_pre.'),  # their spelling
    (r'^post_layernorm\.', 'ln_post.'),
    (r'^encoder\.layers\.', 'transformer.resblocks.'),
    (r'\.self_attn\.', '.attn.'),
    (r'\.layer_norm([12])\.', r'.ln_\1.'),
    (r'\.mlp\.fc1\.', '.mlp.c_fc.'),
    (r'\.mlp\.fc2\.', '.mlp.c_proj.'),
)
_CLAP_NAMES = (
    (r'^batch_norm\.', 'bn0.'),
    (r'\.layernorm_before\.', '.norm1.'),
    (r'\.layernorm_after\.', '.norm2.'),
    (r'\.attention\.self\.', '.attn.'),
    (r'\.attention\.output\.dense\.', '.attn.proj.'),
    (r'\.intermediate\.dense\.', '.mlp.fc1.'),
    (r'\.output\.dense\.', '.mlp.fc2.'),
)


def clip_from_hugging_face(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the keys of a vision tower of transformers' CLIP to open_clip's."""
    return {_renamed(key, _CLIP_NAMES): value for key, value in state.items()}


def clap_from_hugging_face(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the keys of an audio tower of transformers' CLAP to laion_clap's, and join query, key and value.

    Returns: a new dict. A projection of which a part is missing stays as it is, to be found unexpected.
    """
    state = {_renamed(key, _CLAP_NAMES): value for key, value in state.items()}
    joined: dict[str, Tensor] = {}
    for key, value in state.items():
        part = re.fullmatch(r'(.*\.attn\.)(query|key|value)\.(weight|bias)', key)
        parts = part and [state.get(f'{part[1]}{name}.{part[3]}') for name in ('query', 'key', 'value')]
        if not parts or any(other is None or other.shape != value.shape for other in parts):
            joined[key] = value
        elif part[2] == 'query':
            joined[f'{part[1]}qkv.{part[3]}'] = torch.cat(parts)
    return joined


def without_adapters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Leave peft's adapters out and give the layers below them their own names back."""
    return {key.replace('.base_layer.', '.'): value for key, value in state.items() if '.lora_' not in key}


def _renamed(key: str, names: tuple[tuple[str, str], ...]) -> str:
    for pattern, name in names:
        key = re.sub(pattern, name, key)
    return key
