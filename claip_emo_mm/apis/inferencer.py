"""The inferencer: scores over time from a checkpoint and a video, by the test pipeline of the model."""
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
from mmengine.infer import BaseInferencer
from mmengine.registry import DefaultScope, init_default_scope
from torch import nn

from claip_emo_mm.apis.inputs import Input, media_files, open_input
from claip_emo_mm.apis.result_writer import is_overlay
from claip_emo_mm.apis.window_clip import WindowClip, dedup_frames
from claip_emo_mm.apis.windows import PersonView, SlidingWindows, Window
from claip_emo_mm.apis.zero_shot import build_zero_shot, describe_open_vocabulary, describe_zero_shot, find_labels
from claip_emo_mm.compat.hub import hub_address
from claip_emo_mm.engine.checkpoints.load import TrainedModel, build_test_pipeline, load_trained
from claip_emo_mm.errors import InputError, check_choice, check_positive, check_whole
from claip_emo_mm.evaluation.metrics import why_not_finite
from claip_emo_mm.faces.detector import FaceDetector, default_detector
from claip_emo_mm.media.audio_signal import SILENT, mix_down
from claip_emo_mm.media.containers import MEDIA_SUFFIXES
from claip_emo_mm.media.stream import ArrayStream, FileStream, MediaStream
from claip_emo_mm.models import AudioVisualRecognizer
from claip_emo_mm.structures import EmotionResult, EmotionRow

FACES = ('largest', 'all', 'none')

_LONGEST_WINDOW_S = 60.


class EmotionInferencer(BaseInferencer):
    """Recognize the emotions in videos of any length, one file, a list, a folder or arrays.

    The checkpoint holds the config, as data, and the names of the classes; no code of it is run. Frozen weights that it
    does not hold are downloaded; `cfg_options` may give another file or address. Every window of a video goes through
    the test pipeline of the model's config as a clip; with ``face='none'``, a file that is no longer than a window is
    that clip itself, and its scores are those of tools/test.py.

    Args:
        checkpoint: Checkpoint of a training with this package, of an `AudioVisualRecognizer` or a recognizer of
            MMAction2, or a published one, also ``hf://user/model``; or a model that was built already.
        device: Where to compute; None takes a GPU where there is one.
        cfg_options: Changes to the config, such as ``{'model.visual_backbone.pretrained': FILE}``. Custom components
            that the config names must be imported before.
        detector: Finds faces; None takes `default_detector` when it is needed.
    Raises:
        InputError: The checkpoint is missing, unreadable, or does not say how its model is built; or its frozen weights
            are missing, or others.
    """

    def __init__(self, checkpoint: str | Path | TrainedModel, device: str | None = None,
                 cfg_options: Mapping[str, Any] | None = None, detector: FaceDetector | None = None) -> None:
        if DefaultScope.get_current_instance() is None:
            init_default_scope('mmaction')
        is_built = isinstance(checkpoint, TrainedModel)
        trained = checkpoint if is_built else load_trained(str(checkpoint), cfg_options=cfg_options)
        self._checkpoint = str(trained.cfg.filename if is_built else checkpoint)
        self._model, cfg, classes = trained
        head = self._model.cls_head
        self.classes = classes or [str(label) for label in range(head.num_classes)]  # as EmotionMetric names them
        if not isinstance(self._model, AudioVisualRecognizer) and head.average_clips != 'prob':
            raise InputError(f'{self._checkpoint}: model.cls_head.average_clips is {head.average_clips!r}, with which '
                             "MMAction2's heads give no probabilities. Set model.cls_head.average_clips=prob "
                             '(--cfg-options, cfg_options of EmotionInferencer).')
        self._trained_classes = self.classes
        self._detector = detector
        self.note = ''  # what the model is, where it was not trained for its classes
        super().__init__(cfg, device=device or ('cuda' if torch.cuda.is_available() else 'cpu'), scope='mmaction',
                         show_progress=False)

    @classmethod
    def from_pretrained(cls, name: str, revision: str | None = None, device: str | None = None,
                        cfg_options: Mapping[str, Any] | None = None,
                        detector: FaceDetector | None = None) -> 'EmotionInferencer':
        """Make an inferencer of a model on the Hugging Face hub, see tools/publish_model.py; no code of it is run.

        Args:
            name: ``'user/model'``, or a folder with its files.
            revision: branch, tag or commit; None for the newest.
            device, cfg_options, detector: as of the constructor.
        """
        return cls(hub_address(name, revision), device, cfg_options, detector)

    @classmethod
    def zero_shot(cls, labels: str | Sequence[str] | None = None, arch: str | None = None,
                  pretrained: str | Path | None = None, prompts: str | Path | Mapping[str, Any] | None = None,
                  audio: bool = False, device: str | None = None, cfg_options: Mapping[str, Any] | None = None,
                  detector: FaceDetector | None = None) -> 'EmotionInferencer':
        """Make an inferencer of CLIP as it was published, without training: scores for any words.

        Args:
            labels: classes: a list, ``'bored, in pain'``, or a label schema such as ``'mafw'``; None for those of
                `prompts`, or DFEW's.
            arch: open_clip's name of the CLIP; None for ViT-L/14.
            pretrained: file of its weights; None for OpenAI's, which are downloaded.
            prompts: sentences by class name, or a file of lines ``class: sentence``; None for the project's own.
            audio: whether CLAP scores the audio, too, of which it knows next to nothing.
            device, cfg_options, detector: as of the constructor.
        """
        if DefaultScope.get_current_instance() is None:
            init_default_scope('mmaction')
        model = build_zero_shot(labels, arch, pretrained, prompts, audio, cfg_options)
        made = cls(model, device, detector=detector)
        made.note, made._trained_classes = describe_zero_shot(model.cfg), []
        return made

    @property
    def takes_labels(self) -> bool:
        """Whether the model has a language head, so that other words can be scored."""
        return hasattr(self.model.cls_head, 'set_classes')

    def set_labels(self, labels: str | Sequence[str], prompts: str | Path | Mapping[str, Any] | None = None) -> None:
        """Score other words from now on; the model must have a language head, zero-shot or trained.

        Args:
            labels, prompts: as of ``zero_shot``.
        """
        head, classes = self.model.cls_head, find_labels(labels, prompts)
        if not self.takes_labels:
            raise InputError(f'{self._checkpoint}: its classes are fixed: {", ".join(self.classes)}. Other words need '
                             'a model with a LanguageHead, such as --zero-shot.')
        sources = {name: getattr(getattr(self.model, f'{side}_backbone', None), 'weights_from', None)
                   for name, side in (('pretrained', 'visual'), ('audio_pretrained', 'audio'))}
        head.set_classes(classes, prompts, **sources)
        self.classes = list(head.classes)
        if self._trained_classes:
            self.note = describe_open_vocabulary(head, self._trained_classes)
        else:
            cfg = self.cfg.copy()
            cfg.model.cls_head.classes = classes
            self.note = describe_zero_shot(cfg)

    def __call__(self, inputs: Input | Sequence[Input], return_datasamples: bool = False, batch_size: int = 8, *,
                 face: str = 'largest', window_s: float = 4., stride_s: float = 2.) -> dict[str, Any]:
        """Recognize the emotions of inputs.

        Args:
            inputs: a file, a folder (its video and audio files, without subfolders), or a dict of arrays with
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
            progress: called with the time up to which the input is done and its stated length or None, in s.
        Raises:
            InputError: the input cannot be used, or an option is unknown.
        """
        check_choice('EmotionInferencer', FACES, face=face)
        check_positive('EmotionInferencer', window_s=window_s, stride_s=stride_s)
        check_whole('EmotionInferencer', batch_size=batch_size)
        if window_s > _LONGEST_WINDOW_S:
            raise InputError(f'window_s is {window_s:g}. Expected at most {_LONGEST_WINDOW_S:g}: the frames of a '
                             'window are in memory at once.')
        source = open_input(given)
        warnings = self._modality_warnings(source)
        detector = None
        if face != 'none' and self._reads_frames and source.has_frames:
            detector = self._detector = self._detector or default_detector()
        windows = SlidingWindows(source, window_s, stride_s, face if detector else 'none', detector, self._reads_frames)
        sample, opened = self._whole_clip(source, window_s) if face == 'none' else None, iter(windows)
        if sample is not None:  # by what the source states; it may be longer
            first = list(islice(opened, 2))
            sample, opened = sample if len(first) == 1 else None, chain(first, opened)
        rows: list[EmotionRow] = []
        batch: list[tuple[Window, PersonView]] = []
        unusable = 0
        for window in opened:
            for view in window.people:
                if self._reads_frames and view.frames or self._reads_audio and window.samples is not None:
                    batch.append((window, view))
                else:
                    unusable += 1
            if len(batch) >= batch_size:
                rows.extend(self._rows(source, batch, sample))
                batch = []
            if progress is not None:
                progress(window.end_s, source.duration_s)
        if batch:
            rows.extend(self._rows(source, batch, sample))
        if not rows:
            raise InputError(f'{source.name}: nothing in it that this model reads '
                             f'({"; ".join(source.warnings) or "no frames or audio could be decoded"}).')
        warnings += source.warnings
        if unusable:
            warnings.append(f'{unusable} windows without anything that this model reads')
        warnings += self._final_warnings(source, windows)
        reported = list(dict.fromkeys(row.person for row in rows if row.person is not None))
        for row in rows:
            row.person = row.person and reported.index(row.person) + 1
        return EmotionResult(source.name, windows.end_s, self.classes, rows, list(dict.fromkeys(warnings)),
                             windows.people(reported), windows.audio.envelope, self.note)

    def _final_warnings(self, source: MediaStream, windows: SlidingWindows) -> list[str]:
        warnings = [f'no face {start:.1f}-{end:.1f} s' for start, end in windows.no_face()]
        if self._reads_audio and source.has_audio and max(windows.audio.envelope, default=0.) < SILENT:
            warnings.append(f'the audio is silent: no sample is above {SILENT:g} of 1')
        if isinstance(source, FileStream):
            stated_s = source.duration_s if self._reads_frames or not source.has_frames else None
            if source.missing_end:
                warnings.append(f'the file is cut off: {source.missing_end}')
            elif stated_s and windows.end_s < .98 * stated_s - .1:
                warnings.append(f'{windows.end_s:.1f} s can be read, the file states {stated_s:.1f} s: cut off?')
        return warnings

    def _rows(self, source: MediaStream, batch: list[tuple[Window, PersonView]],
              sample: dict | None) -> Iterator[EmotionRow]:
        """Score a batch of windows, or the sample of a whole clip in their place."""
        samples = [sample] if sample is not None else [
            self._pack(source.name, view.frames, window.samples, window.rate_hz, window.end_s - window.start_s,
                       window.audio_note) for window, view in batch]
        for (window, view), scored in zip(batch, self.forward(self.collate_fn(samples)), strict=True):
            if not scored.pred_score.isfinite().all():
                raise InputError(f'{source.name}: the scores of {window.start_s:.1f}-{window.end_s:.1f} s are not '
                                 f'finite. {why_not_finite(self.model)}')
            missing = ['no audio'] if self._reads_audio and source.has_audio and window.samples is None else []
            noted = [window.audio_note] if self._reads_audio and window.audio_note else []
            source.warnings += noted
            yield EmotionRow(window.start_s, window.end_s, view.person, view.box,
                             dict(zip(self.classes, scored.pred_score.tolist(), strict=True)),
                             view.warnings + missing + noted)

    def _pack(self, name: str, frames: Sequence[np.ndarray], samples: np.ndarray | None, *audio: Any) -> dict:
        return self.pipeline(dict(clip=WindowClip(name, frames if self._reads_frames else [],
                                                  samples if self._reads_audio else None, *audio)))

    def _whole_clip(self, source: MediaStream, window_s: float) -> dict | None:
        """Read an input that is one window as the test reads it; None where it cannot be."""
        if not source.has_frames or not source.duration_s or source.duration_s > window_s:
            return None
        try:
            if not isinstance(source, ArrayStream):
                return self.pipeline(dict(filename=source.name))
            reads_audio = self._reads_audio and source.has_audio
            samples, note = mix_down(source.channels()) if reads_audio else (None, '')
            return self._pack(source.name, source.frames_array, samples, source.sample_rate_hz or 0, source.duration_s,
                              note)
        except InputError:
            return None

    def _modality_warnings(self, source: MediaStream) -> list[str]:
        read = {name: has for name, is_read, has in (('frames', self._reads_frames, source.has_frames),
                                                     ('audio', self._reads_audio, source.has_audio)) if is_read}
        if not any(read.values()):
            raise InputError(f'{source.name}: has no {" or ".join(read)}, and this model reads nothing else.')
        return [f'no {name}: predicted from {"frames" if name == "audio" else "audio"} alone'
                for name, has in read.items() if not has]

    def _inputs_to_list(self, inputs: Input | Sequence[Input]) -> list[Input]:
        if isinstance(inputs, list | tuple):
            return [file for each in inputs for file in self._inputs_to_list(each)]
        if isinstance(inputs, str | Path) and os.path.isdir(inputs):
            files: list[Input] = [file for file in media_files(Path(inputs)) if not is_overlay(file)]
            if not files:
                raise InputError(f'{inputs}: no video or audio in this folder. Expected {", ".join(MEDIA_SUFFIXES)}.')
            return files
        return [inputs]

    def _init_model(self, cfg: Config, weights: str | None, device: str) -> nn.Module:
        return self._model.to(device)  # loaded already, strictly

    def _init_pipeline(self, cfg: Config) -> Compose:
        def mask(steps: list[dict]) -> None:
            kinds = [step['type'].rpartition('.')[2] for step in steps]
            self._reads_frames, self._reads_audio = 'DecodeFrames' in kinds, 'LoadAudioWindows' in kinds
            for step, kind in zip(steps, kinds, strict=True):
                if self._reads_frames and self._reads_audio and kind in ('DecodeFrames', 'LoadAudioWindows'):
                    step['on_missing'] = 'mask'

        return build_test_pipeline(cfg, self._checkpoint, mask)

    @torch.no_grad()
    def forward(self, inputs: dict[str, Any], **kwargs: Any) -> list[ActionDataSample]:
        """Score the clips of a batch; a frame that several of them show is encoded once."""
        batch = self.model.data_preprocessor(inputs, False)
        if isinstance(batch['inputs'], dict) and 'frame_index' in batch['inputs']:  # MMAction2's models take a tensor
            clips = [clip for clip in inputs['inputs']['frames'] if clip is not None]
            batch['inputs'] = dedup_frames(batch['inputs'], clips)
        return self.model(**batch, mode='predict')

    def visualize(self, inputs: list, preds: Any, show: bool = False) -> list[np.ndarray]:
        """Nothing: see `claip_emo_mm.visualization`."""
        return []

    def postprocess(self, preds: list[EmotionResult], visualization: list[np.ndarray],
                    return_datasample: bool = False) -> dict[str, Any]:
        """Pack results as MMEngine's inferencers do; see `__call__`."""
        return dict(predictions=preds if return_datasample else [result.to_dict() for result in preds],
                    visualization=visualization)
