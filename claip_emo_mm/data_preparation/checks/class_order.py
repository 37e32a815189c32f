"""Whether a list's labels are right but for their order."""
from collections.abc import Sequence
from dataclasses import dataclass

from claip_emo_mm.datasets.folds import PublishedPart
from claip_emo_mm.datasets.label_schemas import MAFW, OTHER_MAFW_ORDER, LabelSchema


@dataclass(frozen=True)
class ClassOrder:
    """An order in which somebody numbered the classes.

    Args:
        title: what it is.
        names: label as the list has it -> the right one.
    """

    title: str
    names: dict[str, str]


def find_class_order(labels: Sequence[str], published: PublishedPart) -> ClassOrder | None:
    """Try the orders in which people number the classes until each class has as many clips as published.

    Args:
        labels: class names of the list, read in the schema's order.
        published: what the list should be.
    Returns: the order that fits; None where none does.
    """
    for order in _orders(published.schema):
        if not published.differing_counts([order.names[label] for label in labels if label in order.names]):
            return order
    return None


def _orders(schema: LabelSchema) -> list[ClassOrder]:
    classes = schema.classes
    count = len(classes)
    numbered = {
        'one too low: they were counted from 1 there': [classes[(label + 1) % count] for label in range(count)],
        'one too high: they were counted from 0 there': [classes[label - 1] for label in range(count)],
        'numbered in alphabetical order': sorted(classes),
    }
    if schema == MAFW:
        numbered['in the order that begins with happiness, as in DFER-CLIP'] = [
            MAFW.classes[label] for label in MAFW.order_of(OTHER_MAFW_ORDER)]
    return [ClassOrder(title, dict(zip(classes, order, strict=True))) for title, order in numbered.items()]
