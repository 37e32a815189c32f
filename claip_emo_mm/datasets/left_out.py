"""What stands for a modality that a clip lacks."""

LEFT_OUT = -1  # index of a view without picture, or without sound
