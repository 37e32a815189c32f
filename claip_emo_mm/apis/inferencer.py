"""From a checkpoint and a video to scores over time, with the pipeline that the model was tested with."""
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.registry import DefaultScope, init_default_scope
from torch import nn

from claip_emo_mm.apis.result_writer import is_overlay
from claip_emo_mm.apis.window_clip import WindowClip, dedup_frames, number_frames
from claip_emo_mm.apis.windows import PersonView, SlidingWindows, Window
from claip_emo_mm.engine.checkpoints.load import build_test_pipeline, load_trained
from claip_emo_mm.errors import InputError, check_positive, check_whole
from claip_emo_mm.evaluation.metrics import why_not_finite
from claip_emo_mm.faces.detector import FaceDetector, SlimFaceDetector
from claip_emo_mm.media.audio_signal import SILENT, mix_down
from claip_emo_mm.media.containers import MEDIA_SUFFIXES, is_system_file
from claip_emo_mm.media.stream import ArrayStream, FileStream, MediaStream
from claip_emo_mm.structures import EmotionResult, EmotionRow
from claip_emo_mm.utils.file_errors import reading

FACES = ('largest', 'all', 'none')

_LONGEST_WINDOW_S = 60.

Input = str | Path | ArrayStream | FileStream | Mapping[str, Any]


class EmotionInferencer(BaseInferencer):
    """Recognize the emotions in videos of any length, one file, a list, a folder or arrays.

    The checkpoint is enough: it carries the config, as data, and the names of the classes; no code of it is run. Frozen
    weights that it leaves out are fetched where they are published; a file or address of one's own is given by
    `cfg_options`. Every window of a video goes through the test
    pipeline of the model's config, as a clip; with ``face='none'``, a file that is no longer than a window is that clip
    itself, and its scores are those of tools/test.py.

    Args:
        checkpoint: Checkpoint of a training with this package, or a published one.
        device: Where to compute; None takes a GPU where there is one.
        cfg_options: Changes to the config: dotted path -> value, such as
            ``{'model.visual_backbone.pretrained': FILE}`` for weights that lie elsewhere here. Parts of one's own
            that the config names are imported before.
        finder: Finds faces; None takes `SlimFaceDetector` when it is needed.
    Raises:
        InputError: The checkpoint is missing, unreadable, or does not say how its model is built; or the frozen weights
            that it belongs to are not there, or are others.
    """

    def __init__(self, checkpoint: str | Path, device: str | None = None,
                 cfg_options: Mapping[str, Any] | None = None, finder: FaceDetector | None = None) -> None:
        if DefaultScope.get_current_instance() is None:
            init_default_scope('mmaction')
        self._checkpoint = str(checkpoint)
        self._model, cfg, self.classes = load_trained(self._checkpoint, cfg_options=cfg_options)
        self._finder = finder
        device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
        super().__init__(cfg, device=device, scope='mmaction', show_progress=False)

    def __call__(self, inputs: Input | Sequence[Input], return_datasamples: bool = False, batch_size: int = 8, *,
                 face: str = 'largest', window_s: float = 4., stride_s: float = 2.) -> dict[str, Any]:
        """Recognize the emotions of inputs.

        Args:
            inputs: a file, a folder (its video and audio files, not those of folders in it), or a dict of arrays with
                ``frames`` (T, H, W, 3) uint8 RGB and ``fps``, ``audio`` (n,) or (channels, n) float and
                ``sample_rate_hz``; or a list of them.
            return_datasamples: `EmotionResult` instead of plain dicts.
            batch_size: windows that go through the model at once.
            face: 'largest' for one face at a time, 'all' for every person, 'none' for the whole frame.
            window_s: length of a window.
            stride_s: from the start of a window to the next.
        Returns: ``predictions``, one for each input, and ``visualization``, an empty list.
        Raises:
            InputError: an input cannot be used, or an option is unknown.
        """
        results = [self.infer(each, batch_size=batch_size, face=face, window_s=window_s, stride_s=stride_s)
                   for each in self._inputs_to_list(inputs)]
        return self.postprocess(results, [], return_datasamples)

    def infer(self, given: Input, *, batch_size: int = 8, face: str = 'largest', window_s: float = 4.,
              stride_s: float = 2., progress: Callable[[float, float | None], None] | None = None) -> EmotionResult:
        """Recognize the emotions of one input.

        Args:
            progress: called with the time up to which the input is done and its stated length (None where nobody says),
                in s.
        Raises:
            InputError: the input cannot be used, or an option is unknown.
        """
        if face not in FACES:
            raise InputError(f"face is {face!r}. Expected one of {', '.join(FACES)}.")
        check_positive('EmotionInferencer', window_s=window_s, stride_s=stride_s)
        check_whole('EmotionInferencer', batch_size=batch_size)
        if window_s > _LONGEST_WINDOW_S:
            raise InputError(f'window_s is {window_s:g}. Expected at most {_LONGEST_WINDOW_S:g}: the frames of a '
                             'window are in memory at once.')
        source = _open(given)
        warnings = self._modality_warnings(source)
        finder = self._find_faces() if face != 'none' and self._sees and source.has_frames else None
        windows = SlidingWindows(source, window_s, stride_s, face if finder else 'none', finder, self._sees)
        known, cut = self._whole_clip(source, window_s, face), iter(windows)
        if known is not None:  # by what the source states; it may be longer
            begun = list(islice(cut, 2))
            known, cut = known if len(begun) == 1 else None, chain(begun, cut)
        rows: list[EmotionRow] = []
        batch: list[tuple[Window, PersonView]] = []
        unusable = 0
        for window in cut:
            for person in window.people:
                if not (self._sees and person.frames or self._hears and window.samples is not None):
                    unusable += 1
                    continue
                batch.append((window, person))
            if len(batch) >= batch_size:
                rows.extend(self._rows(source, batch, known))
                batch = []
            if progress is not None:
                progress(window.end_s, source.duration_s)
        if batch:
            rows.extend(self._rows(source, batch, known))
        warnings += self._warnings_at_the_end(source, windows, bool(rows), unusable)
        reported = {person: number for number, person in enumerate(
            dict.fromkeys(row.person for row in rows if row.person is not None), 1)}
        for row in rows:
            row.person = row.person and reported[row.person]
        return EmotionResult(source.name, windows.end_s, self.classes, rows, list(dict.fromkeys(warnings)),
                             windows.people(reported), windows.audio.envelope)

    def _warnings_at_the_end(self, source: MediaStream, windows: SlidingWindows, has_rows: bool,
                             unusable: int) -> list[str]:
        warnings = list(source.warnings)
        if not has_rows:
            raise InputError(f'{source.name}: nothing in it that this model reads '
                             f'({"; ".join(warnings) or "no frames or audio could be decoded"}).')
        if unusable:
            warnings.append(f'{unusable} windows without anything that this model reads')
        warnings += [f'no face {start:.1f}-{end:.1f} s' for start, end in windows.no_face()]
        if self._hears and source.has_audio and max(windows.audio.envelope, default=0.) < SILENT:
            warnings.append(f'there is nothing to hear: no sample of the audio is above {SILENT:g} of 1')
        missing = source.missing_end if isinstance(source, FileStream) else ''
        reads_all = isinstance(source, FileStream) and (self._sees or not source.has_frames)
        stated_s = source.duration_s if reads_all else None
        if missing:
            warnings.append(f'the file is cut off: {missing}')
        elif stated_s and windows.end_s < .98 * stated_s - .1:
            warnings.append(f'{windows.end_s:.1f} s can be read, the file states {stated_s:.1f} s: cut off?')
        return warnings

    def _rows(self, source: MediaStream, batch: list[tuple[Window, PersonView]],
              known: dict | None) -> Iterator[EmotionRow]:
        clips = [dict(clip=WindowClip(source.name, person.frames if self._sees else [],
                                      window.samples if self._hears else None, window.rate_hz,
                                      window.end_s - window.start_s, window.audio_note)) for window, person in batch]
        packed = [self.pipeline(clip) for clip in clips] if known is None else [known]
        for (window, person), sample in zip(batch, self.forward(self.collate_fn(packed)), strict=True):
            if not sample.pred_score.isfinite().all():
                raise InputError(f'{source.name}: the scores of {window.start_s:.1f}-{window.end_s:.1f} s are not '
                                 f'finite. {why_not_finite(self.model)}')
            missing = ['no audio'] if self._hears and source.has_audio and window.samples is None else []
            noted = [window.audio_note] if self._hears and window.audio_note else []
            source.warnings += noted
            yield EmotionRow(window.start_s, window.end_s, person.person, person.box,
                             dict(zip(self.classes, sample.pred_score.tolist(), strict=True)),
                             person.warnings + missing + noted)

    def _whole_clip(self, source: MediaStream, window_s: float, face: str) -> dict | None:
        """The sample of an input that is one window, read as the test reads it; None where it cannot be."""
        if face != 'none' or not source.has_frames:
            return None
        if not source.duration_s or source.duration_s > window_s:
            return None
        try:
            if isinstance(source, ArrayStream):
                heard = self._hears and source.has_audio
                samples, note = mix_down(source.channels()) if heard else (None, '')
                return self.pipeline(dict(clip=WindowClip(
                    source.name, source.frames_array if self._sees else [], samples, source.sample_rate_hz or 0,
                    source.duration_s, note)))
            return self.pipeline(dict(filename=source.name))
        except InputError:
            return None

    def _modality_warnings(self, source: MediaStream) -> list[str]:
        reads = [self._sees and source.has_frames, self._hears and source.has_audio]
        if not any(reads):
            kinds = ' or '.join(name for name, is_read in (('frame', self._sees), ('audio', self._hears)) if is_read)
            raise InputError(f'{source.name}: has no {kinds}, and this model reads nothing else.')
        if self._hears and not source.has_audio:
            return ['no audio: judged by the frame alone']
        if self._sees and not source.has_frames:
            return ['no frames: judged by the audio alone']
        return []

    def _find_faces(self) -> FaceDetector:
        if self._finder is None:
            self._finder = SlimFaceDetector()
        return self._finder

    def _inputs_to_list(self, inputs: Input | Sequence[Input]) -> list[Input]:
        if isinstance(inputs, list | tuple):
            return [file for each in inputs for file in self._inputs_to_list(each)]
        if isinstance(inputs, str | Path) and os.path.isdir(inputs):
            files = [file for file in media_files(Path(inputs)) if not is_overlay(file)]
            if not files:
                raise InputError(f'{inputs}: no video or audio in this folder. Expected {", ".join(MEDIA_SUFFIXES)}.')
            return list(files)
        return [inputs]

    def _init_model(self, cfg: Config, weights: str | None, device: str) -> nn.Module:
        del cfg, weights  # the model is there already, loaded strictly
        return self._model.to(device)

    def _init_pipeline(self, cfg: Config) -> Compose:
        def mask(steps: list[dict]) -> None:
            kinds = [step['type'].rpartition('.')[2] for step in steps]
            self._sees, self._hears = 'DecodeFrames' in kinds, 'LoadAudioWindows' in kinds
            for step, kind in zip(steps, kinds, strict=True):
                if self._sees and self._hears and kind in ('DecodeFrames', 'LoadAudioWindows'):
                    step['on_missing'] = 'mask'

        return build_test_pipeline(cfg, self._checkpoint, mask)

    def _init_collate(self, cfg: Config) -> Callable:
        del cfg
        return pseudo_collate

    def _init_visualizer(self, cfg: Config) -> None:
        del cfg

    @torch.no_grad()
    def forward(self, inputs: dict[str, Any], **kwargs: Any) -> list[ActionDataSample]:
        """Score the clips of a batch, with every frame encoded once that several of them show."""
        del kwargs
        batch = self.model.data_preprocessor(inputs, False)
        if 'frame_index' in batch['inputs']:
            numbers = number_frames([clip for clip in inputs['inputs']['frames'] if clip is not None])
            batch['inputs'] = dedup_frames(batch['inputs'], numbers)
        return self.model(**batch, mode='predict')

    def visualize(self, inputs: list, preds: Any, show: bool = False) -> list[np.ndarray]:
        """Nothing: frames are drawn by `claip_emo_mm.visualization`."""
        del inputs, preds, show
        return []

    def postprocess(self, preds: list[EmotionResult], visualization: list[np.ndarray],
                    return_datasample: bool = False) -> dict[str, Any]:
        """Pack results as mmengine's inferencers do; see `__call__`."""
        return dict(predictions=preds if return_datasample else [result.to_dict() for result in preds],
                    visualization=visualization)


def media_files(folder: Path) -> list[Path]:
    """Video and audio files of a folder, by name; also those that cannot be read, which are errors of their own.

    Raises:
        InputError: the folder cannot be read.
    """
    with reading(folder):
        names = sorted(os.listdir(folder))
    return [folder / name for name in names if Path(name).suffix.lower() in MEDIA_SUFFIXES
            and not is_system_file(name) and not os.path.isdir(folder / name)]


def _open(given: Input) -> MediaStream:
    if isinstance(given, str | Path):
        return FileStream(os.fspath(given))
    if isinstance(given, ArrayStream | FileStream):
        return given
    if isinstance(given, Mapping):
        unknown = set(given) - {'frames', 'fps', 'audio', 'sample_rate_hz'}
        if unknown:
            raise InputError(f'array: unknown {", ".join(sorted(unknown))}. Expected frames, fps, audio, '
                             'sample_rate_hz.')
        return ArrayStream(given.get('frames'), given.get('fps'), given.get('audio'), given.get('sample_rate_hz'))
    raise InputError(f'{type(given).__name__}: cannot be read. Expected a file, a folder, a dict of arrays, or a list '
                     'of them.')
