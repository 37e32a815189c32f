"""The config inside a checkpoint."""
import json
from collections.abc import Mapping
from typing import Any

from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import WEIGHT_INITIALIZERS, Registry
from mmengine.utils import import_modules_from_strings

from claip_emo_mm.engine.checkpoints.allowlist import SCOPES, is_known, registered_name
from claip_emo_mm.engine.checkpoints.metadata import Metadata
from claip_emo_mm.engine.checkpoints.weight_sources import RefusedPlace, checked_place
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.load import hash_weights
from claip_emo_mm.models.weights.resolve import with_random_weights

# What earlier versions wrote of a backbone of which they left out nothing but buffers, which its constructor makes.
NO_WEIGHTS = hash_weights({})


def needs_source(facts: Metadata | None, name: str) -> bool:
    """Whether the checkpoint leaves out weights of this part of the model, which must be fetched again."""
    backbone = facts['backbones'].get(name) if facts else None
    return backbone is not None and backbone['sha256'] not in (None, NO_WEIGHTS)


def without_needless_sources(model: Mapping[str, Any], facts: Metadata | None) -> dict[str, Any]:
    """Return a model's config in which only the parts that a checkpoint does not hold whole fetch their weights.

    Args:
        model: config of the model.
        facts: what the checkpoint says of itself; None of whole weights that say nothing.
    """
    whole = with_random_weights({name: part for name, part in model.items() if not needs_source(facts, name)})
    return {name: whole.get(name, part) for name, part in model.items() if name in whole or needs_source(facts, name)}


_DEEPEST = 60
_IMPORTS = 'custom_imports'


def carried_config(facts: Metadata, source: str, options: Mapping[str, Any]) -> Config:
    """Read the config of a checkpoint: its model and its test pipeline, and nothing else.

    A registry builds whatever callable a `type` names, so a config can run any program. Here the file's own values may
    name registered components (`allowed_parts`) and published weights (`weight_places`). What the user gives in place
    of them is the user's.

    Args:
        facts: what the checkpoint says of itself, with a config.
        source: its path, for messages.
        options: dotted path -> value, the user's changes; ``custom_imports`` among them names modules to import.
    Returns: the config, with the changes made.
    Raises:
        InputError: the text is no config; it names something that a file may not have built; or a change has no place.
    """
    options = import_modules(options)
    try:
        cfg = json.loads(facts['config'])
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f'{source}: the config in it is not json ({type(error).__name__}). Copy it again.') from None
    if not isinstance(cfg, dict) or not isinstance(cfg.get('model'), dict):
        raise InputError(f'{source}: the config in it has no model. Copy the file again, or give a checkpoint of '
                         'tools/train.py.')
    cfg['model'] = without_needless_sources(cfg['model'], facts)
    check = _Check(source, set(_leaves(options)))
    cfg = {key: check.walk(value, key, MODELS if key == 'model' else None) for key, value in cfg.items()}
    check.check_places()
    loader = cfg.get('test_dataloader') or {}
    kept = dict(model=cfg['model'], default_scope=check.scope(cfg.get('default_scope') or SCOPES[0], 'default_scope'),
                test_dataloader=dict(dataset=_pipelines(loader.get('dataset') if isinstance(loader, dict) else None)))
    cfg = Config(kept)
    merge_options(cfg, options, source)
    return cfg


def merge_options(cfg: Config, options: Mapping[str, Any], source: str) -> None:
    """Make the user's changes in a config.

    Raises:
        InputError: one has no place in it.
    """
    try:
        cfg.merge_from_dict(dict(options))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f'cfg_options {", ".join(options)}: {error.args[0] if error.args else error} ({source}).'
                         ) from error


def import_modules(options: Mapping[str, Any]) -> dict[str, Any]:
    """Import what the user asks for by ``custom_imports.imports``; return the other options.

    Raises:
        InputError: a module cannot be imported.
    """
    rest = {key: value for key, value in options.items() if key.partition('.')[0] != _IMPORTS}
    asked = options.get(f'{_IMPORTS}.imports', options.get(_IMPORTS) or ())
    asked = asked.get('imports', ()) if isinstance(asked, Mapping) else asked
    names = [asked] if isinstance(asked, str) else list(asked)
    try:
        import_modules_from_strings(names)
    except ImportError as error:
        raise InputError(f'{_IMPORTS}.imports={",".join(names)}: cannot be imported ({error}). Set PYTHONPATH to the '
                         'folder that it lies in.') from error
    return rest


class _Check:
    """Walks a config.

    Args:
        source: path of the file that it is from, for messages.
        given: dotted paths of the values that the user gives in place of the file's.
    """

    def __init__(self, source: str, given: set[str]) -> None:
        self._source = source
        self._given = given
        self._refused: dict[str, str] = {}  # path -> place

    def walk(self, value: Any, path: str, registry: Registry | None, depth: int = 0) -> Any:
        """Return a value of the config with the names by which its parts are built.

        Args:
            value: of json.
            path: where it stands.
            registry: that it is built from; None of what is not built.
            depth: how many dicts and lists it stands in.
        Raises:
            InputError: it names something that a file may not have built.
        """
        if depth > _DEEPEST:
            raise InputError(f'{self._source}: the config in it is nested deeper than {_DEEPEST} at {path[:80]}... '
                             'Nothing of it was built.')
        if isinstance(value, list):
            return [self.walk(item, f'{path}.{place}', registry, depth + 1) for place, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        walked = {}
        for key, item in value.items():
            place = f'{path}.{key}'
            if place in self._given:
                walked[key] = None  # until the user's value takes its place
            elif key == 'type':
                walked[key] = self._type(item, place, registry)
            elif key == '_scope_':
                walked[key] = self.scope(item, place)
            else:
                inner = self._registry_below(key, path, registry)
                item = item if inner is None else self._places(key, item, value, place)
                walked[key] = self.walk(item, place, inner, depth + 1)
        return walked

    @staticmethod
    def _registry_below(key: str, path: str, registry: Registry | None) -> Registry | None:
        if key == 'pipeline' and path.startswith('test_dataloader.dataset'):
            return TRANSFORMS
        return WEIGHT_INITIALIZERS if key == 'init_cfg' and registry is MODELS else registry

    def check_places(self) -> None:
        """Raise where what was walked names places.

        Raises:
            InputError: all of them.
        """
        if self._refused:
            found = ', '.join(f'{path}={place[:200]}' for path, place in self._refused.items())
            options = ' '.join(f'{path}=FILE' for path in self._refused)
            raise InputError(
                f'{self._source}: its config has {found}, a place that the file names and you did not, so it was not '
                f'opened. Say where the weights are, this place if you trust it: --cfg-options {options} (cfg_options '
                'of EmotionInferencer).')

    def scope(self, value: Any, place: str) -> str | None:
        """Return a scope of registries, which MMEngine would import by its name."""
        if value is not None and value not in SCOPES:
            raise self._refusal(place, f'{value!r}', f'one of {", ".join(SCOPES)}')
        return value

    def _type(self, value: Any, place: str, registry: Registry | None) -> Any:
        if registry is None:
            if isinstance(value, str) and not is_known(value):
                raise self._refusal(place, f'{value!r}', 'the name of a registered component, without dots')
            return value
        if value is None:
            return value
        name = registered_name(value, registry) if isinstance(value, str) else None
        if name is None:
            raise self._refusal(place, f'{value!r}', f'the name of a registered {registry.name}')
        return name

    def _places(self, key: str, value: Any, part: dict, place: str) -> Any:
        """Return an option of a part, or the items of its lists; places that it names are noted and become None."""
        if isinstance(value, list):
            return [self._places(key, item, part, place) for item in value]
        try:
            return checked_place(key, value, part)
        except RefusedPlace as error:
            self._refused[place] = str(error)
            return None

    def _refusal(self, place: str, found: str, expected: str) -> InputError:
        return InputError(
            f'{self._source}: its config has {place}={found[:100]}, expected {expected}. Building such a thing can run '
            f'code, so nothing of it was built. A part of your own must be imported first: --cfg-options '
            f'{_IMPORTS}.imports=MODULE, or import it before EmotionInferencer.')


def _leaves(options: Mapping[str, Any], path: str = '') -> list[str]:
    """Dotted paths of the values that options give; a dict is merged into the file's."""
    leaves = []
    for key, value in options.items():
        place = f'{path}.{key}' if path else str(key)
        if isinstance(value, Mapping) and not value.get('_delete_'):
            leaves += _leaves(value, place)
        else:
            leaves.append(place)
    return leaves


def _pipelines(dataset: Any) -> dict[str, Any]:
    """A data set's config without all but its pipeline, and that of the data set in it."""
    if not isinstance(dataset, dict):
        return {}
    return {key: _pipelines(value) if key == 'dataset' else value for key, value in dataset.items()
            if key in ('dataset', 'pipeline')}
