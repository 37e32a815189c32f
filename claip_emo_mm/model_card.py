"""The lines of docs/model_card.md that travel with every result and every exported file."""

INTENDED_USE = ('For research on apparent expressions. A score says how much a clip looks and sounds like those of a '
                'class in the training data, which are mostly acted; it does not say what a person feels. Not for '
                'decisions about people, not at work, not in education. See docs/model_card.md.')
LICENCE = ('Code: Apache-2.0. The weights are under the terms of the towers that they come from, and of the data that '
           'they were trained on.')
