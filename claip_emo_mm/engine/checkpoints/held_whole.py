"""Which parts of a model a checkpoint holds whole, so that they need no weights from elsewhere."""
from collections.abc import Mapping
from typing import Any

from claip_emo_mm.engine.checkpoints.facts import Facts
from claip_emo_mm.models.pretrained import hash_weights
from claip_emo_mm.models.random_weights import with_random_weights

# What earlier versions wrote of a backbone of which they left out nothing but buffers, which its constructor makes.
NO_WEIGHTS = hash_weights({})


def needs_source(facts: Facts | None, name: str) -> bool:
    """Whether the checkpoint leaves out weights of this part of the model, which must be fetched again."""
    backbone = facts['backbones'].get(name) if facts else None
    return backbone is not None and backbone['sha256'] not in (None, NO_WEIGHTS)


def without_needless_sources(model: Mapping[str, Any], facts: Facts | None) -> dict[str, Any]:
    """Return a model's config in which only the parts that a checkpoint does not hold whole fetch their weights.

    Args:
        model: config of the model.
        facts: what the checkpoint says of itself; None of whole weights that say nothing.
    """
    whole = with_random_weights({name: part for name, part in model.items() if not needs_source(facts, name)})
    return {name: whole.get(name, part) for name, part in model.items() if name in whole or needs_source(facts, name)}
