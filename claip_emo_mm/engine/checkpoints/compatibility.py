"""Whether a checkpoint fits a model; frozen weights that it does not hold."""
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from claip_emo_mm.engine.checkpoints.embedded_config import NO_WEIGHTS
from claip_emo_mm.engine.checkpoints.metadata import Metadata, read_metadata
from claip_emo_mm.engine.checkpoints.settings import different_settings
from claip_emo_mm.engine.fsdp import plain_name
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.load import hash_weights


def frozen_keys(model: nn.Module, state: Mapping[str, Tensor] | None = None) -> dict[str, list[str]]:
    """Find what a checkpoint of the model need not hold.

    A backbone says by its attribute ``weights_from`` that its constructor takes its weights from a file or package:
    what of it is not trained can be had again from there. Statistics of its norm layers follow the data and are kept.
    A backbone without such a source (random weights), with weights that an ``init_cfg`` replaces, or all of whose
    weights are trained, is kept whole.

    Args:
        model: network whose direct children are the backbones, necks and so on.
        state: its whole state dict, where the model is sharded.
    Returns: name of the backbone -> keys of the model's state dict.
    """
    state = model.state_dict() if state is None else state
    trained = {plain_name(name) for name, parameter in model.named_parameters() if parameter.requires_grad}
    parameters = {plain_name(name) for name, _ in model.named_parameters()}
    groups = {}
    for name, part in model.named_children():
        if getattr(part, 'weights_from', None) is None or any(getattr(module, 'init_cfg', None)
                                                              for module in (model, part)):
            continue
        statistics = {f'{name}.{plain_name(path)}.{buffer}' for path, module in part.named_modules()
                      if isinstance(module, _NormBase) for buffer in dict(module.named_buffers(recurse=False))}
        keys = [key for key in state if key.startswith(f'{name}.') and key not in trained and key not in statistics]
        if not parameters.isdisjoint(keys):
            groups[name] = keys
    return groups


def weight_hash(model: nn.Module, keys: Iterable[str], state: Mapping[str, Tensor] | None = None) -> str:
    """Hash the parameters among some keys; see ``hash_weights``.

    Buffers do not count: the constructor makes them anew. Nor do weights that a backbone names in ``unread_weights``:
    nothing reads them, and some of the forms in which a encoder is published lack them.

    Args:
        model: network.
        keys: keys of its state dict.
        state: its whole state dict, where the model is sharded.
    """
    state = model.state_dict() if state is None else state
    parameters = {plain_name(name) for name, _ in model.named_parameters()}
    unread = tuple(f'{name}.{start}' for name, part in model.named_children()
                   for start in getattr(part, 'unread_weights', ()))
    return hash_weights({key: state[key] for key in keys
                         if key in parameters and not key.startswith(unread)})


_SHOWN = 10


def check_fit(model: nn.Module, checkpoint: Mapping[str, Any], source: str, here: Metadata | None = None,
              ignore: Sequence[str] = (), weights: Mapping[str, Tensor] | None = None) -> list[str]:
    """Compare a checkpoint with a model, strictly.

    Args:
        model: without a distributed wrapper.
        checkpoint: as mmengine's loader gives it: with `state_dict` and `meta`, or weights alone.
        source: its path, for the message.
        here: facts of the present run; None compares the weights only.
        ignore: regular expressions, searched from the start of a key or of a setting's name.
        weights: whole state dict of the model, where it is sharded.
    Returns: keys that the checkpoint leaves out rightly: the model has these very weights.
    Raises:
        InputError: keys are missing, unknown or of another shape; the frozen weights that the checkpoint was trained on
            are others than the model's; classes or front end differ. The message shows the differences.
    """
    def counting(names: list[str]) -> list[str]:
        return [name for name in names if not any(re.match(pattern, name) for pattern in ignore)]

    facts = read_metadata(checkpoint, source)
    loaded = without_wrapper(checkpoint.get('state_dict', checkpoint))
    wanted = model.state_dict() if weights is None else weights
    settings = {} if facts is None or here is None else different_settings(facts, here)
    left_out: list[str] = []
    parameters = {plain_name(name) for name, _ in model.named_parameters()}
    for name, backbone in (facts['backbones'] if facts else {}).items():
        if backbone['sha256'] == NO_WEIGHTS:
            left_out += [key for key in wanted if key.startswith(f'{name}.') and key not in parameters
                         and key not in loaded]
        elif backbone['sha256'] is not None and name in dict(model.named_children()):
            keys = [key for key in frozen_keys(model, wanted).get(name, ()) if key not in loaded]
            found = weight_hash(model, keys, wanted) if keys else None
            if found != backbone['sha256']:
                ours = getattr(getattr(model, name), 'weights_from', None)
                settings[f'{name}.pretrained'] = (f'{backbone["pretrained"]!r} (sha256 {backbone["sha256"][:12]}...)',
                                                  f'{ours!r} (sha256 {found[:12]}...)' if found else repr(ours))
            left_out += keys
    missing = counting([key for key in wanted if key not in loaded and key not in set(left_out)])
    unexpected = counting([key for key in loaded if key not in wanted])
    reshaped = counting([key for key in wanted if key in loaded and wanted[key].shape != loaded[key].shape])
    different = counting(list(settings))
    if missing or unexpected or reshaped or different:
        shapes = [f'{key} {tuple(loaded[key].shape)}, the model {tuple(wanted[key].shape)}' for key in reshaped]
        raise InputError('\n'.join([
            f'{source}: the checkpoint does not fit the model of this config '
            f'({len(loaded)} keys in the checkpoint, {len(wanted)} in the model).',
            *_listed('settings differ', [f'{name}: {settings[name][0]} in the checkpoint, {settings[name][1]} here'
                                         for name in different]),
            *_listed('missing in the checkpoint', missing),
            *_listed('unknown to the model', unexpected),
            *_listed('of another shape in the checkpoint', shapes),
            'Use the config that it was trained with. To load the rest of it all the same, name what may differ: '
            "dict(type='StrictLoadingHook', ignore=['cls_head']) in custom_hooks.",
        ]))
    return left_out


def without_wrapper(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state without the prefix of a distributed wrapper, which MMAction2 takes away as it loads."""
    return {re.sub(r'^module\.', '', key): value for key, value in state.items()}


def _listed(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = [f'    ... and {len(names) - _SHOWN} more'] if len(names) > _SHOWN else []
    return [f'  {len(names)} {what}:', *[f'    {name}' for name in names[:_SHOWN]], *more]
