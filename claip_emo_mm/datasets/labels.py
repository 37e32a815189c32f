"""Label schemas: the classes of each data set, in the order of its published results."""
import re
from dataclasses import dataclass

from claip_emo_mm.errors import InputError

# Synonyms of the emotions of all data sets, with the codes of three letters that speech corpora name files by.
_WORDS = (
    ('happiness', 'happy', 'joy', 'joyful', 'hap'), ('sadness', 'sad'), ('neutral', 'neutrality', 'neu'),
    ('anger', 'angry', 'ang'), ('surprise', 'surprised', 'sur'), ('disgust', 'disgusted', 'dis'),
    ('fear', 'fearful', 'afraid', 'fea'), ('contempt', 'contemptuous'), ('anxiety', 'anxious'),
    ('helplessness', 'helpless'), ('disappointment', 'disappointed'), ('calm', 'calmness'))
_EMOTIONS = {word: row[0] for row in _WORDS for word in row}


@dataclass(frozen=True)
class LabelSchema:
    """Classes of a data set; the position of a name is its label.

    Args:
        name: of the schema in configs.
        title: of the data set in messages.
        classes: the K class names, label 0 first; a name of several emotions joins them by ``_``.
    """

    name: str
    title: str
    classes: tuple[str, ...]

    def label(self, name: str) -> int:
        """Return the label of a class by its name or a synonym, in upper or lower case.

        Several emotions may come in any order, joined by ``_``, ``,``, ``&``, ``+``, ``/`` or blanks.
        """
        if name in self.classes:
            return self.classes.index(name)
        labels = {emotion_words(known): label for label, known in enumerate(self.classes)}
        if emotion_words(name) not in labels:
            raise InputError(f'{name!r} is no class of {self.title}; expected one of {", ".join(self.classes)}, or '
                             'another form of these words.')
        return labels[emotion_words(name)]

    def map_to(self, other: 'LabelSchema') -> tuple[int | None, ...]:
        """Return the label of each class in another schema, None where it has no class of the same emotions."""
        meanings = {emotion_words(name): label for label, name in enumerate(other.classes)}
        return tuple(meanings.get(emotion_words(name)) for name in self.classes)


def emotion_words(name: str) -> frozenset[str]:
    """The emotions of a class name; other words stay as they are."""
    words = re.split(r'[\s_,&+/]+', name.strip().lower())
    return frozenset(_EMOTIONS.get(word, word) for word in words if word not in ('', 'and'))


# Jiang et al., DFEW (ACM MM 2020). Its own csv files count from 1 in this order.
DFEW = LabelSchema('dfew', 'DFEW', ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear'))

# Liu et al., MAFW (ACM MM 2022). Its lists hold names; the order is that of the reference recipe's lists. The numbers
# of its file id_to_calss.txt, in alphabetical order, are others.
MAFW = LabelSchema('mafw', 'MAFW single', (
    'anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise', 'contempt', 'anxiety', 'helplessness',
    'disappointment'))
MAFW_COMPOUND = LabelSchema('mafw_compound', 'MAFW compound', (
    *MAFW.classes,
    'anger_disgust', 'anxiety_helplessness', 'fear_surprise', 'happiness_contempt', 'disgust_contempt',
    'sadness_anxiety', 'anger_surprise', 'fear_anxiety', 'fear_sadness', 'helplessness_disappointment',
    'surprise_anxiety', 'happiness_surprise', 'sadness_helplessness_disappointment', 'fear_surprise_anxiety',
    'sadness_helplessness', 'anger_sadness', 'sadness_disappointment', 'anger_anxiety', 'anger_helplessness',
    'disgust_helplessness', 'sadness_surprise', 'anxiety_helplessness_disappointment', 'sadness_anxiety_helplessness',
    'disgust_disappointment', 'disgust_anxiety', 'anger_disgust_contempt', 'disgust_surprise', 'disgust_sadness',
    'fear_sadness_anxiety', 'anger_disgust_anxiety', 'disgust_anxiety_helplessness',
    'disgust_helplessness_disappointment'))
# The order of DFER-CLIP and its successors: DFEW's seven first, then the four that DFEW does not have.
OTHER_MAFW_ORDER = ('happiness', 'sadness', 'neutral', 'anger', 'surprise', 'disgust', 'fear', 'contempt', 'anxiety',
                    'helplessness', 'disappointment')

# Cao et al., CREMA-D (IEEE Transactions on Affective Computing 2014); the order of HiCMAE's lists, alphabetical.
CREMAD = LabelSchema('cremad', 'CREMA-D', ('anger', 'disgust', 'fear', 'happy', 'neutral', 'sad'))
# Livingstone and Russo, RAVDESS (PLoS ONE 2018): the owners' order, as in HiCMAE's lists; the other one lacks calm.
RAVDESS = LabelSchema('ravdess', 'RAVDESS', (
    'neutral', 'calm', 'happy', 'sad', 'angry', 'fearful', 'disgust', 'surprised'))
RAVDESS_7 = LabelSchema('ravdess_7', 'RAVDESS without calm', tuple(
    name for name in RAVDESS.classes if name != 'calm'))
# Martin et al., eNTERFACE'05 (ICDE workshops 2006); the order of MAE-DFER's lists, alphabetical.
ENTERFACE05 = LabelSchema('enterface05', 'eNTERFACE05', (
    'anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise'))
# Poria et al., MELD (ACL 2019): the order of the owners' baseline.
MELD = LabelSchema('meld', 'MELD', ('neutral', 'surprise', 'fear', 'sadness', 'joy', 'disgust', 'anger'))
# Haq and Jackson, SAVEE (2010): the owners' order, alphabetical.
SAVEE = LabelSchema('savee', 'SAVEE', ('anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise'))

_SCHEMAS = {schema.name: schema for schema in (
    DFEW, MAFW, MAFW_COMPOUND, CREMAD, RAVDESS, RAVDESS_7, ENTERFACE05, MELD, SAVEE)}


def get_schema(name: str) -> LabelSchema:
    """Return a schema by its name; raises an `InputError` where there is none."""
    if name not in _SCHEMAS:
        raise InputError(f'Label schema {name!r} is not known: there is {", ".join(sorted(_SCHEMAS))}. '
                         'Other classes can be given as a list of names.')
    return _SCHEMAS[name]
