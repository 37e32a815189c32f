"""How the settings of a checkpoint differ from those of the present run, option by option."""
from collections.abc import Mapping
from typing import Any

Values = dict[str, tuple[str, str]]
_ABSENT = object()


def different_settings(facts: Mapping[str, Any], here: Mapping[str, Any]) -> Values:
    """Compare the classes, the model's parts and the front end.

    An option that only one side has counts as different: a checkpoint that was written before the option existed does
    not say what it was trained with. What a checkpoint says nothing at all of is not compared.

    Args:
        facts: of the checkpoint, as ``read_facts`` gives them.
        here: of the present run.
    Returns: name of a setting -> its values in the checkpoint and here.
    """
    found: Values = {}
    if facts['classes'] and here['classes']:
        classes = [dict(classes=', '.join(said['classes'])) for said in (facts, here)]
        found = _differing(*classes, 'cls_head.')
    if facts['model'] and here['model']:
        found |= _differing(facts['model'], here['model'], '')
    theirs, ours = facts['front_end'], here['front_end']
    if theirs and ours:
        both = [part for part in theirs if part in ours]
        alone = [{part: options for part, options in said.items() if part not in both} for said in (theirs, ours)]
        found |= _differing(*alone, 'front_end.')
        for part in both:
            found |= _differing(theirs[part], ours[part], f'front_end.{part}.')
    return found


def _differing(theirs: Mapping[str, Any], ours: Mapping[str, Any], path: str) -> Values:
    values = {option: (theirs.get(option, _ABSENT), ours.get(option, _ABSENT))
              for option in dict.fromkeys([*theirs, *ours])}
    return {f'{path}{option}': tuple('none' if value is _ABSENT else str(value) for value in pair)
            for option, pair in values.items() if pair[0] != pair[1]}
