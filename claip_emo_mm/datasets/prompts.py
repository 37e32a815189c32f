"""Prompts: sentences that describe how each class of a label schema looks and sounds, and files of them."""
from collections.abc import Mapping, Sequence
from pathlib import Path

from claip_emo_mm.datasets.labels import emotion_words, get_schema
from claip_emo_mm.errors import InputError, named
from claip_emo_mm.utils.file_errors import reading

Prompts = tuple[tuple[str, ...], ...]  # the sentences of each of K classes

# Brows, eyes and mouth after the action units of Ekman and Friesen's FACS (EMFACS): 6+12, 1+4+15, 4+5+7+23, 1+2+5+26,
# 9+15+17, 1+2+4+5+20+26, one-sided 12+14. The others are mixtures of these as MAFW's captions describe them.
_FACES = {
    'happiness': ('a happy face: smiling, the mouth corners raised, the cheeks lifted, the eyes narrowed by the smile',
                  'a person who laughs, the mouth open and the teeth showing'),
    'sadness': ('a sad face: the inner brows raised, the eyelids drooping, the mouth corners pulled down',
                'a person who is close to tears and looks down'),
    'neutral': ('a neutral face: the brows level, the eyes relaxed, the mouth closed and straight',
                'a person with a calm face that shows no emotion'),
    'anger': ('an angry face: the brows lowered and drawn together, the eyes glaring, the lips pressed together',
              'a person who shouts in anger, frowning'),
    'surprise': ('a surprised face: the brows raised high, the eyes wide open, the jaw dropped',
                 'a person who is astonished, the mouth open'),
    'disgust': ('a disgusted face: the nose wrinkled, the upper lip raised, the eyes narrowed',
                'a person who turns away in disgust, the mouth corners pulled down'),
    'fear': ('a frightened face: the brows raised and drawn together, the eyes wide open, the lips stretched',
             'a person who is scared and draws back, the mouth slightly open'),
    'contempt': ('a contemptuous face: one mouth corner raised, the eyelids lowered, the chin up',
                 'a person who sneers and looks down on somebody'),
    'anxiety': ('an anxious face: the brows drawn together, the eyes restless, the lips pressed or bitten',
                'a person who is worried and tense'),
    'helplessness': ('a helpless face: the inner brows raised, the gaze lost, the mouth slightly open',
                     'a person who sighs and does not know what to do'),
    'disappointment': ('a disappointed face: the brows slightly lowered, the gaze dropped, the mouth corners down',
                       'a person who is let down, the lips pressed together'),
    'calm': ('a calm face: the brows level, the eyelids relaxed, the mouth soft and closed',
             'a person who is at ease'),
}
_VOICES = {
    'happiness': 'a happy voice, lively and bright', 'sadness': 'a sad voice, slow, low and quiet',
    'neutral': 'a neutral voice, even and unexcited', 'anger': 'an angry voice, loud and harsh',
    'surprise': 'a surprised voice, rising and high', 'disgust': 'a disgusted voice, low and drawn out',
    'fear': 'a frightened voice, high, fast and trembling', 'contempt': 'a contemptuous voice, cold and slow',
    'anxiety': 'an anxious voice, fast and unsteady', 'helplessness': 'a helpless voice, sighing and weak',
    'disappointment': 'a disappointed voice, low and falling', 'calm': 'a calm voice, slow and soft'}
# Of words that no schema has, such as "bored" or "in pain".
_FACE_TEMPLATES = ('a photo of the face of a person who is {}', 'a person who looks {}', 'a facial expression: {}')
_VOICE_TEMPLATES = ('a person speaking, {}', 'the voice of a person who is {}')


def face_prompts(name: str) -> tuple[str, ...]:
    """Sentences that describe the face of a class; a compound class has those of each of its emotions."""
    emotions = sorted(emotion_words(name))
    if emotions and all(word in _FACES for word in emotions):
        return tuple(sentence for word in emotions for sentence in _FACES[word])
    return tuple(template.format(name) for template in _FACE_TEMPLATES)


def voice_prompts(name: str) -> tuple[str, ...]:
    """Sentences that describe the voice of a class, likewise."""
    emotions = sorted(emotion_words(name))
    if emotions and all(word in _VOICES for word in emotions):
        return tuple(_VOICES[word] for word in emotions)
    return tuple(template.format(name) for template in _VOICE_TEMPLATES)


def class_prompts(classes: Sequence[str], given: Mapping[str, str | Sequence[str]] | str | Path | None = None,
                  modality: str = 'visual') -> Prompts:
    """Collect the sentences of each class.

    Args:
        classes: K class names.
        given: sentences by class name, or a file of them (``read_prompts``); None takes the project's own.
        modality: ``'visual'`` or ``'audio'``: which of the project's own.
    Raises:
        InputError: a class has no sentence, or a sentence no class.
    """
    if given is None:
        return tuple(map(voice_prompts if modality == 'audio' else face_prompts, classes))
    where = 'prompts' if isinstance(given, Mapping) else str(given)
    found = given if isinstance(given, Mapping) else read_prompts(given)
    found = {name: (text,) if isinstance(text, str) else tuple(text) for name, text in found.items()}
    for name in classes:
        if not any(map(str.strip, found.get(name, ()))):
            raise InputError(f'{where}: has no sentence for the class {name!r}. Found {named(found)}; expected a '
                             f'sentence for each of {", ".join(classes)}.')
    unknown = [name for name in found if name not in classes]
    if unknown:
        raise InputError(f'{where}: has sentences for {named(unknown)}, but the classes are {", ".join(classes)}. '
                         'Remove them, or correct the name.')
    return tuple(found[name] for name in classes)


def read_prompts(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Read a text file of lines ``class: sentence``; several lines of a class are averaged, # begins a comment."""
    path = Path(path).expanduser()
    found: dict[str, list[str]] = {}
    try:
        with reading(path):
            text = path.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise InputError(f'{path}: is no text in UTF-8 ({error.reason}). Save it as UTF-8.') from None
    for number, line in enumerate(text.splitlines(), 1):
        name, separator, sentence = (part.strip() for part in line.partition(':'))
        if not line.strip() or line.lstrip().startswith('#'):
            continue
        if not (separator and name and sentence):
            raise InputError(f"{path}:{number}: {line.strip()[:80]!r} is no prompt. Expected 'class: sentence', as in "
                             "'bored: the eyelids half closed, the gaze dull'.")
        found.setdefault(name, []).append(sentence)
    if not found:
        raise InputError(f"{path}: holds no prompt. Expected lines 'class: sentence'.")
    return {name: tuple(sentences) for name, sentences in found.items()}


def is_schema(name: str) -> bool:
    """Whether there is a label schema of this name."""
    try:
        return bool(get_schema(name))
    except InputError:
        return False


def class_names(classes: str | Sequence[str]) -> tuple[str, ...]:
    """Names of classes: those of a label schema by its name, else the given ones; an InputError if one is twice."""
    names = get_schema(classes).classes if isinstance(classes, str) else tuple(classes)
    if not names or len(set(names)) < len(names) or not all(map(str.strip, names)):
        raise InputError(f'labels: {", ".join(names) or "none"}. Expected at least one name, each once and not empty.')
    return names
