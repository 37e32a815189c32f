"""Writes the reference: every class and function that is registered with MMAction2 or MMEngine."""
from collections import defaultdict
from collections.abc import Callable

import mmaction.registry
import mmengine.registry
from mmengine.registry import Registry

import claip_emo_mm  # noqa: F401 - registers every part
import claip_emo_mm.toy.captioned  # noqa: F401 - but this, which only the pretraining needs

_INTRODUCTION = """\
# Every registered component

By the registry in which it is, after `custom_imports = dict(imports=['claip_emo_mm'])`. A config names a part by its
class name: `dict(type='TemporalTransformer', ...)`. The letters of shapes: B clips, V views, T frames of a view, U
distinct frames, C channels, H W pixels, N tokens, D width, M mel frames, F mel bins, K classes.
"""


def registered_parts() -> dict[str, list[type | Callable]]:
    """Name of a registry -> our classes and functions in it, by name."""
    found = {}
    for module in (mmengine.registry, mmaction.registry):
        for name, registry in vars(module).items():
            if isinstance(registry, Registry) and not name.startswith('MMENGINE_'):  # a second name, in mmaction
                ours = [cls for cls in registry.module_dict.values() if cls.__module__.startswith('claip_emo_mm.')]
                found[name] = sorted({*ours, *found.get(name, ())}, key=lambda cls: cls.__name__)
    return {name: found[name] for name in sorted(found) if found[name]}


def reference_page() -> str:
    """The page, in MyST: a section for each registry, in which the classes of a folder stand together."""
    lines = [_INTRODUCTION]
    for registry, classes in registered_parts().items():
        lines.append(f'## {registry}\n')
        folders = defaultdict(list)
        for cls in classes:
            folders[cls.__module__.rpartition('.')[0].removeprefix('claip_emo_mm.')].append(cls)
        for folder, members in sorted(folders.items()):
            if len(folders) > 1:
                lines.append(f'### `{folder}`\n')
            directives = [f'.. auto{_kind(part)}:: {part.__module__}.{part.__name__}' for part in members]
            lines += ['```{eval-rst}', *directives, '```\n']
    return '\n'.join(lines)


def _kind(part: type | Callable) -> str:
    return 'class' if isinstance(part, type) else 'function'
