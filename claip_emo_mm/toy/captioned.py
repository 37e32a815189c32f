"""Captioned faces and voices for pretraining the toy encoders."""
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmaction.structures import ActionDataSample
from torch.utils.data import Dataset

from claip_emo_mm.datasets.transforms.audio import fill_window
from claip_emo_mm.datasets.transforms.filterbanks import LogMel
from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.toy.captions import VOCABULARY, describe_face, describe_voice
from claip_emo_mm.toy.face import FaceCanvas, FaceControls
from claip_emo_mm.toy.identities import FaceIdentity, identity_stream
from claip_emo_mm.toy.voice import SAMPLE_RATE_HZ, Prosody, VoiceIdentity, babble
from claip_emo_mm.utils.io import atomic_write
from claip_emo_mm.utils.parallel import run_parallel

_LARGEST_SHIFT = .02  # of the head, in sides of the frame
_LARGEST_ROLL = 4.  # degrees
_WINDOW_SAMPLES = round(3.072 * SAMPLE_RATE_HZ)
_FIRST_VOICE = 1_000_000  # the numbers below are the faces'
_IDENTITIES_PER_FILE = 20


@dataclass(frozen=True)
class CaptionedSettings:
    """What a captioned set holds."""
    kind: str  # ``'faces'`` or ``'voices'``
    identities: int  # number of faces or voices
    per_identity: int  # frames of each face, or utterances of each voice
    seed: int = 0  # of the whole set
    size: int = 64  # side of the frames in pixels

    @property
    def file_names(self) -> dict[int, str]:
        """Number of the first identity in each of the set's files -> name of the file."""
        size = f'_{self.size}px' if self.kind == 'faces' else ''
        name = f'{self.kind}_{self.identities}x{self.per_identity}{size}_seed{self.seed}'
        return {start: f'{name}_{start:05d}.npz' for start in range(0, self.identities, _IDENTITIES_PER_FILE)}


def make_captioned_set(out: Path, settings: CaptionedSettings, workers: int = 2) -> list[Path]:
    """Make a captioned set, or what is still missing of it.

    Args:
        out: folder for the files.
        settings: what the set holds.
        workers: processes at most.
    Returns: the files; each holds ``captions`` (identities, n, phrases) and either ``faces``
        (identities, n, size, size, 3) uint8 RGB, or ``voices`` (identities, n, M, F) float16 log-mel spectrograms, as
        the toy configs make them.
    """
    files = {start: out / name for start, name in settings.file_names.items()}
    missing = [(start, path) for start, path in files.items() if not path.is_file()]
    for _ in run_parallel(partial(_make_file, settings), missing, workers, f'captioned {settings.kind}',
                          before=len(files) - len(missing), unit='file'):
        pass
    return list(files.values())


def _make_file(settings: CaptionedSettings, job: tuple[int, Path]) -> None:
    start, path = job
    draw = _draw_faces if settings.kind == 'faces' else _speak
    made = [draw(settings, index) for index in range(start, min(start + _IDENTITIES_PER_FILE, settings.identities))]
    inputs, captions = zip(*made, strict=True)
    with atomic_write(path) as part, part.open('wb') as file:
        np.savez(file, captions=np.array(captions), **{settings.kind: np.stack(inputs)})


def _draw_faces(settings: CaptionedSettings, index: int) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    rng = identity_stream(settings.seed, 'pretrain', index)
    face = FaceIdentity.sample(rng)
    canvas = FaceCanvas(face, settings.size)
    frames, captions = [], []
    for _ in range(settings.per_identity):
        controls = FaceControls.sample(rng)
        talk, blink = rng.uniform(0, 1), max(0., rng.uniform(-2, 1))
        dx, dy = rng.uniform(-_LARGEST_SHIFT, _LARGEST_SHIFT, 2)
        frames.append(canvas.draw(controls, talk, blink, dx, dy, rng.uniform(-_LARGEST_ROLL, _LARGEST_ROLL)))
        captions.append(describe_face(face, controls, talk, blink))
    return np.stack(frames), captions


def _speak(settings: CaptionedSettings, index: int) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    rng = identity_stream(settings.seed, 'pretrain', _FIRST_VOICE + index)
    voice = VoiceIdentity.sample(rng)
    log_mel = LogMel(SAMPLE_RATE_HZ, window_ms=25, shift_ms=12, num_frames=256)
    spectrograms, captions = [], []
    for _ in range(settings.per_identity):
        prosody = Prosody.sample(rng)
        waveform = babble(rng, voice, prosody, rng.uniform(1.5, 3.))
        waveform = np.roll(fill_window(waveform, _WINDOW_SAMPLES), rng.integers(_WINDOW_SAMPLES))
        results = log_mel(dict(audios=[waveform], sample_rate_hz=SAMPLE_RATE_HZ))
        spectrograms.append(results['mel'][0, 0].half().numpy())
        captions.append(describe_voice(voice, prosody))
    return np.stack(spectrograms), captions


@DATASETS.register_module()
class CaptionedDataset(Dataset):
    """Read the files of a captioned toy set; a sample holds all frames or audio of one identity.

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
        self.examples = np.concatenate([array[self.kind] for array in arrays])  # (identities, n, ...)
        self.captions = np.concatenate([array['captions'] for array in arrays])  # (identities, n, phrases)
        self.tokens = {word: number for number, word in enumerate(VOCABULARY, start=1)}
        self.context_length = context_length

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> dict:
        """Return ``inputs`` as ``PackAudioVisualInputs`` gives them, one view of all, and ``data_samples`` with
        ``tokens`` (n, phrases, L)."""
        examples = torch.from_numpy(self.examples[index])
        order = torch.arange(len(examples))
        if self.kind == 'faces':
            inputs = dict(frames=examples.permute(0, 3, 1, 2), frame_index=order[None])
        else:
            inputs = dict(mel=examples.float()[:, None], audio_index=order)
        sample = ActionDataSample()
        sample.set_field(torch.tensor([[self._tokenize(phrase) for phrase in caption]
                                       for caption in self.captions[index].tolist()]), 'tokens')
        return dict(inputs=inputs, data_samples=sample)

    def _tokenize(self, phrase: str) -> list[int]:
        # CLIP's text encoder finds the end as the largest number.
        start, end = len(self.tokens) + 1, len(self.tokens) + 2
        tokens = [start, *(self.tokens[word] for word in phrase.split()), end]
        return tokens + [0] * (self.context_length - len(tokens))
