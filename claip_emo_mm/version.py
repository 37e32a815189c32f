"""Version of the package and its checkpoint format, intended use and license of the models."""

__version__ = '0.1.0'

META_KEY = 'claip_emo_mm'  # of the metadata in a checkpoint
FORMAT = 3  # of checkpoints
READABLE = (FORMAT,)

INTENDED_USE = ('For research on apparent expressions. A score says how much a clip looks and sounds like those of a '
                'class in the training data, which are mostly acted; it does not say what a person feels. Not for '
                'decisions about people, not at work, not in education. See docs/model_card.md.')
LICENSE = ('Code: Apache-2.0. The weights are under the terms of the encoders that they come from, and of the data '
           'that they were trained on.')
