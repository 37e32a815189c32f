"""Which weights a checkpoint leaves out: the frozen ones that a backbone's constructor fetches again."""
from collections.abc import Iterable, Mapping

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from claip_emo_mm.engine.sharded_models import plain_name
from claip_emo_mm.models.pretrained import hash_weights


def left_out_keys(model: nn.Module, state: Mapping[str, Tensor] | None = None) -> dict[str, list[str]]:
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
    nothing reads them, and some of the forms in which a tower is published lack them.

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
