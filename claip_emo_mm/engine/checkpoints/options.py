"""Options of a config's parts as they can be kept in a file and compared."""
import inspect
from typing import Any

from mmengine.registry import Registry


def default_options(kind: str | type, registry: Registry) -> dict[str, Any]:
    """Return the options of a registered part that have a default; none where the registry does not know it."""
    if isinstance(kind, str) and kind.startswith('timm.'):  # no scope of a registry
        return {}
    built = registry.get(kind) if isinstance(kind, str) else kind
    parameters = inspect.signature(built).parameters.values() if callable(built) else ()
    return {option.name: option.default for option in parameters if option.default is not option.empty}


def type_name(kind: str | type) -> str:
    """Return the name of a part's type without the scope or module in front of it."""
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__


def plain(value: Any) -> Any:
    """Return a value with tuples as lists, as they come back from a file."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
