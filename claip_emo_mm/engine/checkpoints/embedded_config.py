"""Reading the config inside a checkpoint without running code that it names."""
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import WEIGHT_INITIALIZERS, Registry
from mmengine.utils import import_modules_from_strings

from claip_emo_mm.engine.checkpoints.allowlist import SCOPES, RefusedPlace, checked_place, is_known, registered_name
from claip_emo_mm.engine.checkpoints.metadata import Metadata
from claip_emo_mm.engine.config_checks import merge_options
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.resolve import with_random_weights

_MAX_DEPTH = 60
_IMPORTS = 'custom_imports'


def needs_source(metadata: Metadata | None, name: str) -> bool:
    """Whether the checkpoint omits weights of this component of the model, which must be loaded from their source."""
    backbone = metadata['backbones'].get(name) if metadata else None
    return backbone is not None and backbone['sha256'] is not None


def without_needless_sources(model: Mapping[str, Any], metadata: Metadata | None) -> dict[str, Any]:
    """Config of a model in which only components whose weights the checkpoint omits load theirs from a source."""
    random = with_random_weights({name: part for name, part in model.items() if not needs_source(metadata, name)})
    return {name: random.get(name, part) for name, part in model.items()
            if name in random or needs_source(metadata, name)}


def read_config(metadata: Metadata, source: str, options: Mapping[str, Any]) -> Config:
    """Read the config of a checkpoint: its model and its test pipeline only.

    Registries build whatever callable a `type` names, so a config can run any program. The file's own values may
    therefore name the components and published weights of `allowlist` only; the user's options (dotted path -> value;
    ``custom_imports`` names modules to import) may name anything.
    """
    options = import_modules(options)
    try:
        cfg = json.loads(metadata['config'])
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f'{source}: the config in it is not json ({type(error).__name__}). Copy it again.') from None
    if not isinstance(cfg, dict) or not isinstance(cfg.get('model'), dict):
        raise InputError(f'{source}: the config in it has no model. Give a checkpoint of tools/train.py.')
    cfg['model'] = without_needless_sources(cfg['model'], metadata)
    check = _Check(source, set(_leaves(options)))
    cfg = {key: check.walk(value, key, MODELS if key == 'model' else None) for key, value in cfg.items()}
    if check.refused:
        found = ', '.join(f'{path}={place[:200]}' for path, place in check.refused.items())
        places = ' '.join(f'{path}=FILE' for path in check.refused)
        raise InputError(f'{source}: its config has {found}, a place that the file names and you did not, so it was '
                         'not opened. Say where the weights are, this place if you trust it: --cfg-options '
                         f'{places} (cfg_options of EmotionInferencer).')
    loader = cfg.get('test_dataloader') or {}
    cfg = Config(dict(
        model=cfg['model'], default_scope=check.scope(cfg.get('default_scope') or SCOPES[0], 'default_scope'),
        test_dataloader=dict(dataset=_pipelines(loader.get('dataset') if isinstance(loader, dict) else None))))
    merge_options(cfg, options, source)
    return cfg


def import_modules(options: Mapping[str, Any]) -> dict[str, Any]:
    """Import the modules in ``custom_imports.imports``, and return the other options."""
    names = options.get(f'{_IMPORTS}.imports', options.get(_IMPORTS) or ())
    names = names.get('imports', ()) if isinstance(names, Mapping) else names
    names = [names] if isinstance(names, str) else list(names)
    try:
        import_modules_from_strings(names)
    except ImportError as error:
        raise InputError(f'{_IMPORTS}.imports={",".join(names)}: cannot be imported ({error}). Set PYTHONPATH to the '
                         'folder that it lies in.') from error
    return {key: value for key, value in options.items() if key.partition('.')[0] != _IMPORTS}


@dataclass
class _Check:
    """Check of a config."""

    source: str  # path of its checkpoint
    given: set[str]  # dotted paths of the values that the user gives in place of the file's
    refused: dict[str, str] = field(default_factory=dict)  # path in the config -> place that it names

    def walk(self, value: Any, path: str, registry: Registry | None, depth: int = 0) -> Any:
        """Return a value of the config with the names by which the registry builds its components."""
        if depth > _MAX_DEPTH:
            raise InputError(f'{self.source}: the config in it is nested deeper than {_MAX_DEPTH} at {path[:80]}...')
        if isinstance(value, list):
            return [self.walk(item, f'{path}.{index}', registry, depth + 1) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        walked = {}
        for key, item in value.items():
            place = f'{path}.{key}'
            if place in self.given:
                walked[key] = None  # until the user's value replaces it
            elif key == 'type':
                walked[key] = self._type(item, place, registry)
            elif key == '_scope_':
                walked[key] = self.scope(item, place)
            else:
                inner = registry
                if key == 'pipeline' and path.startswith('test_dataloader.dataset'):
                    inner = TRANSFORMS
                elif key == 'init_cfg' and registry is MODELS:
                    inner = WEIGHT_INITIALIZERS
                item = item if inner is None else self._places(key, item, value, place)
                walked[key] = self.walk(item, place, inner, depth + 1)
        return walked

    def scope(self, value: Any, place: str) -> str | None:
        """Check a registry scope, which MMEngine would import by its name."""
        if value is not None and value not in SCOPES:
            raise self._refusal(place, value, f'one of {", ".join(SCOPES)}')
        return value

    def _type(self, value: Any, place: str, registry: Registry | None) -> Any:
        if registry is None:
            if isinstance(value, str) and not is_known(value):
                raise self._refusal(place, value, 'the name of a registered component, without dots')
            return value
        if value is None:
            return value
        name = registered_name(value, registry) if isinstance(value, str) else None
        if name is None:
            raise self._refusal(place, value, f'the name of a registered {registry.name}')
        return name

    def _places(self, key: str, value: Any, options: dict, path: str) -> Any:
        """Return an option of a component, or the items of its lists; refused places are noted and become None."""
        if isinstance(value, list):
            return [self._places(key, item, options, path) for item in value]
        try:
            return checked_place(key, value, options)
        except RefusedPlace as error:
            self.refused[path] = str(error)
            return None

    def _refusal(self, place: str, found: Any, expected: str) -> InputError:
        return InputError(
            f'{self.source}: its config has {place}={repr(found)[:100]}, expected {expected}. Building such a thing '
            'can run code, so nothing of it was built. A component of your own must be imported first: --cfg-options '
            f'{_IMPORTS}.imports=MODULE, or import it before EmotionInferencer.')


def _leaves(options: Mapping[str, Any], path: str = '') -> list[str]:
    """Dotted paths of the values that options give; a dict is merged into the file's."""
    leaves = []
    for key, value in options.items():
        place = f'{path}.{key}' if path else str(key)
        is_merged = isinstance(value, Mapping) and not value.get('_delete_')
        leaves += _leaves(value, place) if is_merged else [place]
    return leaves


def _pipelines(dataset: Any) -> dict[str, Any]:
    """Config of a data set with only its pipeline and that of the data set in it."""
    if not isinstance(dataset, dict):
        return {}
    return {key: _pipelines(value) if key == 'dataset' else value for key, value in dataset.items()
            if key in ('dataset', 'pipeline')}
