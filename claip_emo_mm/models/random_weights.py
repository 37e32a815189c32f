"""A model's config without the files of weights that it names."""
from collections.abc import Mapping
from typing import Any


def with_random_weights(part: Any) -> Any:
    """Return the config of a model, or a part of it, with `pretrained` and every `init_cfg` of type Pretrained gone.

    For looking at a model (its sizes, its shapes) where the files are not at hand.

    Args:
        part: dict, list or value of the config; it is not changed.
    """
    if isinstance(part, Mapping):
        absent = dict(pretrained=None, clip_pretrained=False)
        return {key: absent.get(key, with_random_weights(value)) for key, value in part.items()
                if not (key == 'init_cfg' and _is_pretrained(value))}
    if isinstance(part, list | tuple):
        return type(part)(with_random_weights(value) for value in part if not _is_pretrained(value))
    return part


def _is_pretrained(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get('type') in ('Pretrained', 'PretrainedInit')
