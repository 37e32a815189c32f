"""Writes the figures of a test for other programs to read."""
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claip_emo_mm.atomic_text import write_text


def write_metrics(path: Path, metrics: dict[str, Any], config: str, checkpoint: str, clips: int,
                  details: dict[str, Any] | None = None) -> None:
    """Write a json file that is either the old one or the whole new one, never a part; what is no number is null.

    Args:
        path: where to.
        metrics: name -> number or array, as the metric named them (WAR, UAR ...).
        config: path of the config that was tested.
        checkpoint: path of the checkpoint.
        clips: number of clips in the data set.
        details: further keys: figures that are not one number, such as each class's recall.
    """
    figures = dict(config=config, checkpoint=checkpoint, clips=clips, metrics=metrics, **(details or {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(_strict(figures), indent=2, allow_nan=False) + '\n')


def _strict(value: Any) -> Any:
    """Arrays and tensors, and their scalars, as lists and numbers; what json has no words for is None, or text."""
    if hasattr(value, 'tolist'):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _strict(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
