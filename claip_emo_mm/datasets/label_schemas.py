"""The classes of each data set, in the order of its published results: the one place where class lists are written."""
from dataclasses import dataclass

from claip_emo_mm.errors import InputError


@dataclass(frozen=True)
class LabelSchema:
    """Classes of a data set; the position of a name is its label.

    Args:
        name: what configs call the schema.
        classes: the K class names, label 0 first.
    """

    name: str
    classes: tuple[str, ...]


# Wang et al., DFEW (ACM MM 2020). Its own csv files count from 1 in this order.
DFEW = LabelSchema('dfew', ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear'))

_SCHEMAS = {schema.name: schema for schema in (DFEW,)}


def get_schema(name: str) -> LabelSchema:
    """Look a schema up by its name.

    Raises:
        InputError: there is no such schema.
    """
    if name not in _SCHEMAS:
        raise InputError(f'Label schema {name!r} is not known: there is {", ".join(sorted(_SCHEMAS))}. '
                         'Other classes can be given as a list of names.')
    return _SCHEMAS[name]
