"""A result of two people, of whom one is not always seen, with names and notes that need care in every format."""
import numpy as np

from claip_emo_mm.structures import EmotionResult, EmotionRow, ModelFacts, PersonTrack

NOTE = 'zero-shot: <no> "training" --> & nothing more.'


def make_result(note: str = NOTE) -> EmotionResult:
    rows = [EmotionRow(0, 4, 1, (.1, .2, .3, .4), {'happy': .8, 'in pain': .2}),
            EmotionRow(0, 4, 2, (.6, .2, .3, .4), {'happy': .52, 'in pain': .48}, ['visible in 12 % of the window'],
                       .12, True),
            EmotionRow(2, 6, 1, (.1, .2, .3, .4), {'happy': .1, 'in pain': .9}),
            EmotionRow(6, 6.5, None, None, {'happy': .7, 'in pain': .3}, ['no face: the whole frame was used'])]
    portrait = np.zeros((64, 64, 3), np.uint8)
    people = [PersonTrack(1, [(0., 6.)], [], portrait), PersonTrack(2, [(1.5, 2.)], [], portrait)]
    return EmotionResult('../talk & "more" 笑.mp4', 6.5, ['happy', 'in pain'], rows, ['no audio'], people, note=note,
                         model=ModelFacts('epoch_6.pth', 'drawn faces', 1.25))
