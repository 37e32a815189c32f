"""Strict comparison of checkpoints with models, and the frozen weights that checkpoints omit."""
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from claip_emo_mm.engine.checkpoints.metadata import Metadata, read_metadata
from claip_emo_mm.engine.checkpoints.settings import different_settings
from claip_emo_mm.errors import InputError, listing
from claip_emo_mm.models.weights.load import hash_weights


def clean_name(name: str) -> str:
    """Name of a parameter or module without FSDP's prefixes."""
    return name.replace('_fsdp_wrapped_module.', '')


def frozen_keys(model: nn.Module, state: Mapping[str, Tensor] | None = None) -> dict[str, list[str]]:
    """Find the frozen weights that checkpoints of the model omit: name of a backbone -> keys of the state dict.

    A backbone whose attribute ``weights_from`` names the file or package that its constructor loads can reproduce its
    frozen weights, but not the statistics of its norm layers, which follow the data. Backbones without a source (random
    weights), with an ``init_cfg`` that replaces the weights, or without frozen parameters are kept. One that stands in
    for an encoder, with an attribute ``frozen_sha256``, omits what it does not have. `state` is the full state dict,
    where the model is sharded.
    """
    state = model.state_dict() if state is None else state
    requires_grad = {clean_name(name): parameter.requires_grad for name, parameter in model.named_parameters()}
    groups = {}
    for name, backbone in model.named_children():
        if getattr(backbone, 'weights_from', None) is None or any(getattr(module, 'init_cfg', None)
                                                                  for module in (model, backbone)):
            continue
        statistics = {f'{name}.{clean_name(path)}.{buffer}' for path, module in backbone.named_modules()
                      if isinstance(module, _NormBase) for buffer in dict(module.named_buffers(recurse=False))}
        keys = [key for key in state if key.startswith(f'{name}.') and not requires_grad.get(key)
                and key not in statistics]
        omits = not requires_grad.keys().isdisjoint(keys)
        if omits or hasattr(backbone, 'frozen_sha256'):
            groups[name] = keys if omits else []
    return groups


def weight_hash(model: nn.Module, keys: Iterable[str], state: Mapping[str, Tensor] | None = None) -> str:
    """Hash the parameters among some keys of the state dict, in full as `state` where the model is sharded.

    Buffers, which the constructor makes, do not count; nor do a backbone's ``unread_weights``, which some formats lack.
    """
    state = model.state_dict() if state is None else state
    parameters = {clean_name(name) for name, _ in model.named_parameters()}
    unread = tuple(f'{name}.{start}' for name, backbone in model.named_children()
                   for start in getattr(backbone, 'unread_weights', ()))
    return hash_weights({key: state[key] for key in keys if key in parameters and not key.startswith(unread)})


def frozen_hash(model: nn.Module, name: str, keys: Iterable[str], state: Mapping[str, Tensor] | None = None,
                ) -> str | None:
    """Hash the frozen weights of a backbone that checkpoints omit, or return the hash that it states; None for none."""
    stated = getattr(getattr(model, name), 'frozen_sha256', None)
    return stated or (weight_hash(model, keys, state) if keys else None)


def check_compatibility(model: nn.Module, checkpoint: Mapping[str, Any], source: str, here: Metadata | None = None,
                        ignore: Sequence[str] = (), weights: Mapping[str, Tensor] | None = None) -> list[str]:
    """Compare a checkpoint with a model, strictly.

    Args:
        model, checkpoint, source: unwrapped network; what mmengine's loader gives; its path, for the message.
        here: metadata of the present run; None compares the weights only.
        ignore: regular expressions, matched at the start of a key or of a setting's name.
        weights: full state dict of the model, where it is sharded.
    Returns: keys that the checkpoint omits rightly: the model has these very weights.
    Raises:
        InputError: keys, shapes, frozen weights, classes or front end differ; the message lists the differences.
    """
    def counting(names: Iterable[str]) -> list[str]:
        return [name for name in names if not any(re.match(pattern, name) for pattern in ignore)]

    metadata = read_metadata(checkpoint, source)
    loaded = without_wrapper(checkpoint.get('state_dict', checkpoint))
    expected = model.state_dict() if weights is None else weights
    settings = {} if metadata is None or here is None else different_settings(metadata, here)
    omitted: list[str] = []
    for name, backbone in (metadata['backbones'] if metadata else {}).items():
        if backbone['sha256'] is None or name not in dict(model.named_children()):
            continue
        keys = [key for key in frozen_keys(model, expected).get(name, ()) if key not in loaded]
        found = frozen_hash(model, name, keys, expected)
        if found != backbone['sha256']:
            own_source = getattr(getattr(model, name), 'weights_from', None)
            settings[f'{name}.pretrained'] = (
                f'{backbone["pretrained"]!r} (sha256 {backbone["sha256"][:12]}...)',
                f'{own_source!r} (sha256 {found[:12]}...)' if found else repr(own_source))
        omitted += keys
    available = {*loaded, *omitted}
    reshaped = counting(key for key in expected if key in loaded and expected[key].shape != loaded[key].shape)
    differences = {
        'settings differ': [f'{name}: {settings[name][0]} in the checkpoint, {settings[name][1]} here'
                            for name in counting(settings)],
        'missing in the checkpoint': counting(key for key in expected if key not in available),
        'unexpected in the checkpoint': counting(key for key in loaded if key not in expected),
        'of another shape in the checkpoint': [
            f'{key} {tuple(loaded[key].shape)}, the model {tuple(expected[key].shape)}' for key in reshaped]}
    found = ''.join(f'\n  {len(lines)} {what}:{listing(lines, 4)}' for what, lines in differences.items() if lines)
    if found:
        raise InputError(f'{source}: the checkpoint does not fit the model of this config ({len(loaded)} keys in the '
                         f'checkpoint, {len(expected)} in the model).{found}\nUse the config that it was trained with. '
                         'To load the rest of it all the same, name what may differ: '
                         "dict(type='StrictLoadingHook', ignore=['cls_head']) in custom_hooks.")
    return omitted


def without_wrapper(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State dict without the prefix of a distributed wrapper, which MMEngine removes as it loads."""
    return {re.sub(r'^module\.', '', key): value for key, value in state.items()}
