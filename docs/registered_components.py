"""Write the reference page of every class and function registered with MMAction2 or MMEngine."""
from collections import defaultdict
from collections.abc import Callable

import mmaction.registry
import mmengine.registry
from mmengine.registry import Registry

import claip_emo_mm  # noqa: F401 - registers every component
import claip_emo_mm.toy.captioned  # noqa: F401 - needed by the pretraining only

_INTRODUCTION = """\
# Registered components

Grouped by registry, available after `custom_imports = dict(imports=['claip_emo_mm'])`. A config names a component by
its class name: `dict(type='TemporalTransformer', ...)`. Letters in shapes: B clips, V views, T frames of a view, U
distinct frames, C channels, H W pixels, N tokens, D width, M mel frames, F mel bins, K classes.
"""


def registered_components() -> dict[str, list[type | Callable]]:
    """Map each registry name to the classes and functions of this package in it, sorted by name."""
    found = {}
    for module in (mmengine.registry, mmaction.registry):
        for name, registry in vars(module).items():
            if isinstance(registry, Registry) and not name.startswith('MMENGINE_'):  # aliases in mmaction
                ours = [cls for cls in registry.module_dict.values() if cls.__module__.startswith('claip_emo_mm.')
                        and not cls.__module__.startswith('claip_emo_mm.compat.')]  # those stand for others' classes
                found[name] = sorted({*ours, *found.get(name, ())}, key=lambda cls: cls.__name__)
    return {name: found[name] for name in sorted(found) if found[name]}


def reference_page() -> str:
    """Build the page in MyST: a section per registry, grouped by folder of the package."""
    lines = [_INTRODUCTION]
    for registry, classes in registered_components().items():
        lines.append(f'## {registry}\n')
        folders = defaultdict(list)
        for cls in classes:
            folders[cls.__module__.rpartition('.')[0].removeprefix('claip_emo_mm.')].append(cls)
        for folder, members in sorted(folders.items()):
            if len(folders) > 1:
                lines.append(f'### `{folder}`\n')
            directives = [f'.. auto{_kind(member)}:: {member.__module__}.{member.__name__}' for member in members]
            lines += ['```{eval-rst}', *directives, '```\n']
    return '\n'.join(lines)


def _kind(member: type | Callable) -> str:
    return 'class' if isinstance(member, type) else 'function'
