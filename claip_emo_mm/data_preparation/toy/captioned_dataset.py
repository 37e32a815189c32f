"""The data set of the pretraining: pictures or sounds of one identity, each with its caption."""
from pathlib import Path

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmaction.structures import ActionDataSample
from torch.utils.data import Dataset

from claip_emo_mm.utils import check_whole

from ...errors import InputError
from .captioned_set import CaptionedSettings
from .captions import VOCABULARY


@DATASETS.register_module()
class CaptionedDataset(Dataset):
    """Read the files of a captioned toy set; a sample holds all pictures or sounds of one identity.

    Several of one identity in a batch are what makes the captions' finer words worth learning: the looks are the same.

    Args:
        drawn: Fields of ``CaptionedSettings``: the set that ``tools/pretrain_toy.py`` made.
        data_root: Folder of its files.
        context_length: L, tokens of a phrase with its end marks; shorter ones are padded with 0.
    """

    def __init__(self, drawn: dict, data_root: str, context_length: int) -> None:
        check_whole(self, context_length=context_length)
        settings = CaptionedSettings(**drawn)
        paths = [Path(data_root) / name for name in settings.file_names.values()]
        missing = [path for path in paths if not path.is_file()]
        if missing:
            raise InputError(f'{missing[0]}: there is no such file ({len(missing)} of {len(paths)} are missing). Make '
                             'them with tools/pretrain_toy.py.')
        arrays = [np.load(path) for path in paths]
        self.kind = settings.kind
        self.shown = np.concatenate([array[self.kind] for array in arrays])  # (identities, n, ...)
        self.captions = np.concatenate([array['captions'] for array in arrays])  # (identities, n, phrases)
        self.tokens = {word: number for number, word in enumerate(VOCABULARY, start=1)}
        self.context_length = context_length

    def __len__(self) -> int:
        return len(self.shown)

    def __getitem__(self, index: int) -> dict:
        """Return ``inputs`` as ``PackAudioVisualInputs`` gives them, one view of all, and ``data_samples`` with
        ``tokens`` (n, phrases, L)."""
        shown = torch.from_numpy(self.shown[index])
        order = torch.arange(len(shown))
        if self.kind == 'faces':
            inputs = dict(frames=shown.permute(0, 3, 1, 2), frame_index=order[None])
        else:
            inputs = dict(mel=shown.float()[:, None], audio_index=order)
        sample = ActionDataSample()
        sample.set_field(torch.tensor([[self._tokenize(phrase) for phrase in caption]
                                       for caption in self.captions[index].tolist()]), 'tokens')
        return dict(inputs=inputs, data_samples=sample)

    def _tokenize(self, phrase: str) -> list[int]:
        start, end = len(self.tokens) + 1, len(self.tokens) + 2  # CLIP's text tower finds the end as the largest number
        tokens = [start, *(self.tokens[word] for word in phrase.split()), end]
        return tokens + [0] * (self.context_length - len(tokens))
