"""The inferencer: scores over time from a checkpoint and a video, by the test pipeline of the model."""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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

from claip_emo_mm.apis.fast import speed_up
from claip_emo_mm.apis.frame_features import FrameFeatures
from claip_emo_mm.apis.input_warnings import final_warnings, modality_warnings
from claip_emo_mm.apis.inputs import Input, list_inputs, open_input
from claip_emo_mm.apis.window_scorer import WindowScorer
from claip_emo_mm.apis.windows import PersonView, SlidingWindows, Window, checked_stride
from claip_emo_mm.apis.zero_shot import (
    build_zero_shot,
    describe_open_vocabulary,
    describe_zero_shot,
    find_labels,
    zero_shot_facts,
)
from claip_emo_mm.compat.hub import hub_address
from claip_emo_mm.engine.checkpoints.load import TrainedModel, build_test_pipeline, load_trained
from claip_emo_mm.engine.checkpoints.provenance import caution, trained_on
from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.evaluation.calibration import read_temperature
from claip_emo_mm.evaluation.metrics import why_not_finite
from claip_emo_mm.faces.detector import FaceDetector, default_detector
from claip_emo_mm.media.stream import MediaStream
from claip_emo_mm.models import AudioVisualRecognizer
from claip_emo_mm.structures import EmotionResult, EmotionRow, ModelFacts, VerdictRule
from claip_emo_mm.utils.devices import default_device

DEFAULT_RULE = VerdictRule()

_FIRST_WINDOWS = 2  # go through the model before a batch is full: nobody waits for all of it to see a verdict


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
        fast: Turn on the options of `speed_up`: faster, with other scores.
    Raises:
        InputError: The checkpoint is missing, unreadable, or does not say how its model is built; or its frozen weights
            are missing, or others.
    """

    def __init__(self, checkpoint: str | Path | TrainedModel, device: str | None = None,
                 cfg_options: Mapping[str, Any] | None = None, detector: FaceDetector | None = None,
                 fast: bool = False) -> None:
        if DefaultScope.get_current_instance() is None:
            init_default_scope('mmaction')
        is_built = isinstance(checkpoint, TrainedModel)
        trained = checkpoint if is_built else load_trained(str(checkpoint), cfg_options=cfg_options)
        self._checkpoint = str(trained.cfg.filename if is_built else checkpoint)
        self._model, cfg, classes, metadata = trained
        head = self._model.cls_head
        self.classes = classes or [str(label) for label in range(head.num_classes)]  # as EmotionMetric names them
        if not isinstance(self._model, AudioVisualRecognizer) and head.average_clips != 'prob':
            raise InputError(f'{self._checkpoint}: model.cls_head.average_clips is {head.average_clips!r}, with which '
                             "MMAction2's heads give no probabilities. Set model.cls_head.average_clips=prob "
                             '(--cfg-options, cfg_options of EmotionInferencer).')
        self._trained_classes = self.classes
        self._detector = detector
        self.note = caution(metadata)  # what the model is, where it was not trained for its classes or for real videos
        is_whole = getattr(self._model, 'adapter_scale', 1) == 1  # the temperature was fitted with whole adapters
        self.facts = ModelFacts(Path(self._checkpoint).name, trained_on(metadata),
                                read_temperature((metadata or {}).get('calibration')) if is_whole else None)
        super().__init__(cfg, device=device or default_device(), scope='mmaction', show_progress=False)
        if fast:
            self.facts = replace(self.facts, fast=speed_up(self.model))

    @classmethod
    def from_pretrained(cls, name: str, revision: str | None = None, device: str | None = None,
                        cfg_options: Mapping[str, Any] | None = None, detector: FaceDetector | None = None,
                        fast: bool = False) -> 'EmotionInferencer':
        """Make an inferencer of a model on the Hugging Face hub, see tools/publish_model.py; no code of it is run.

        Args:
            name: ``'user/model'``, or a folder with its files.
            revision: branch, tag or commit; None for the newest.
            device, cfg_options, detector, fast: as of the constructor.
        """
        return cls(hub_address(name, revision), device, cfg_options, detector, fast)

    @classmethod
    def zero_shot(cls, labels: str | Sequence[str] | None = None, arch: str | None = None,
                  pretrained: str | Path | None = None, prompts: str | Path | Mapping[str, Any] | None = None,
                  audio: bool = False, device: str | None = None, cfg_options: Mapping[str, Any] | None = None,
                  detector: FaceDetector | None = None, fast: bool = False) -> 'EmotionInferencer':
        """Make an inferencer of CLIP as it was published, without training: scores for any words.

        Args:
            labels: classes: a list, ``'bored, in pain'``, or a label schema such as ``'mafw'``; None for those of
                `prompts`, or DFEW's.
            arch: open_clip's name of the CLIP; None for ViT-L/14.
            pretrained: file of its weights; None for OpenAI's, which are downloaded.
            prompts: sentences by class name, or a file of lines ``class: sentence``; None for the project's own.
            audio: whether CLAP scores the audio, too, of which it knows next to nothing.
            device, cfg_options, detector, fast: as of the constructor.
        """
        if DefaultScope.get_current_instance() is None:
            init_default_scope('mmaction')
        model = build_zero_shot(labels, arch, pretrained, prompts, audio, cfg_options)
        made = cls(model, device, detector=detector, fast=fast)
        made.note, made._trained_classes = describe_zero_shot(model.cfg), []
        made.facts = replace(zero_shot_facts(model.cfg), fast=made.facts.fast)
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
        self.facts = replace(self.facts, temperature=None)  # fitted for the classes of the training
        if self._trained_classes:
            self.note = describe_open_vocabulary(head, self._trained_classes)
        else:
            cfg = self.cfg.copy()
            cfg.model.cls_head.classes = classes
            self.note = describe_zero_shot(cfg)

    def __call__(self, inputs: Input | Sequence[Input], return_datasamples: bool = False, batch_size: int = 8, *,
                 face: str = 'largest', window_s: float = 4., stride_s: float | None = None,
                 rule: VerdictRule = DEFAULT_RULE) -> dict[str, Any]:
        """Recognize the emotions of inputs.

        Args:
            inputs: a file, a folder (its video and audio files, without subfolders), or a dict of arrays with
                ``frames`` (T, H, W, 3) uint8 RGB and ``fps``, ``audio`` (n,) or (channels, n) float and
                ``sample_rate_hz``; or a list of them.
            return_datasamples: `EmotionResult` instead of plain dicts.
            batch_size: windows that go through the model at once; the first two go before the others.
            face: 'largest' for one face at a time, 'all' for every person, 'none' for the whole frame.
            window_s: length of a window.
            stride_s: from the start of a window to the next; None for half a window.
            rule: when scores are no verdict.
        Returns: ``predictions``, one for each input, and ``visualization``, an empty list.
        Raises:
            InputError: an input cannot be used, or an option is unknown.
        """
        results = [self.infer(each, batch_size=batch_size, face=face, window_s=window_s, stride_s=stride_s, rule=rule)
                   for each in self._inputs_to_list(inputs)]
        return self.postprocess(results, [], return_datasamples)

    def infer(self, given: Input, *, batch_size: int = 8, face: str = 'largest', window_s: float = 4.,
              stride_s: float | None = None, rule: VerdictRule = DEFAULT_RULE,
              progress: Callable[[float, float | None], None] | None = None,
              on_row: Callable[[EmotionRow], None] | None = None) -> EmotionResult:
        """Recognize the emotions of one input.

        Args:
            progress: called with the time up to which the input is done and its stated length or None, in s.
            on_row: called with each row as soon as its window is judged; it is one of those of the result.
        Raises:
            InputError: the input cannot be used, or an option is unknown.
        """
        stride_s = checked_stride(face, window_s, stride_s)
        check_whole('EmotionInferencer', batch_size=batch_size)
        source = open_input(given)
        windows, warnings = self.cut_windows(source, face, window_s, stride_s)
        scorer = self.make_scorer()
        sample, opened = scorer.whole_clip(source, window_s) if face == 'none' else None, iter(windows)
        if sample is not None:  # by what the source states; it may be longer
            first = list(islice(opened, 2))
            sample, opened = sample if len(first) == 1 else None, chain(first, opened)
        rows: list[EmotionRow] = []
        numbers: dict[int, int] = {}  # number of a person of the windows -> in the order of the rows

        def judge(batch: list[tuple[Window, PersonView]]) -> None:
            for row in scorer.rows(source, batch, sample):
                if row.person is not None:
                    row.person = numbers.setdefault(row.person, len(numbers) + 1)
                row.unsure = rule.is_unsure(row.scores)
                rows.append(row)
                if on_row is not None:
                    on_row(row)

        batch: list[tuple[Window, PersonView]] = []
        unusable = 0
        for window in opened:
            for view in window.people:
                if scorer.is_usable(window, view):
                    batch.append((window, view))
                else:
                    unusable += 1
            if len(batch) >= (batch_size if rows else min(batch_size, _FIRST_WINDOWS)):
                judge(batch)
                batch = []
            if progress is not None:
                progress(window.end_s, source.duration_s)
        judge(batch)
        if not rows:
            raise InputError(f'{source.name}: nothing in it that this model reads '
                             f'({"; ".join(source.warnings) or "no frames or audio could be decoded"}).')
        warnings += source.warnings
        if unusable:
            warnings.append(f'{unusable} windows without anything that this model reads')
        warnings += final_warnings(source, windows, self._reads_frames, self._reads_audio)
        return EmotionResult(source.name, windows.end_s, self.classes, rows, list(dict.fromkeys(warnings)),
                             windows.people(numbers), windows.audio.envelope, self.note, self.facts, rule)

    def cut_windows(self, source: MediaStream, face: str, window_s: float, stride_s: float | None,
                    is_endless: bool = False) -> tuple[SlidingWindows, list[str]]:
        """Cut a source into windows as the options say, which are those of `__call__`; and warn of what it lacks.

        Raises:
            InputError: an option is unknown, or the source lacks all that the model reads.
        """
        stride_s = checked_stride(face, window_s, stride_s)
        warnings = modality_warnings(source, self._reads_frames, self._reads_audio)
        detector = None
        if face != 'none' and self._reads_frames and source.has_frames:
            detector = self._detector = self._detector or default_detector()
        return SlidingWindows(source, window_s, stride_s, face if detector else 'none', detector, self._reads_frames,
                              is_endless), warnings

    def make_scorer(self) -> WindowScorer:
        """What scores the windows of the model's classes, of one input; a frame that several show is encoded once."""
        features = FrameFeatures.of(self.model)

        @torch.no_grad()
        def forward(samples: list[dict[str, Any]]) -> list[ActionDataSample]:
            inputs = self.collate_fn(samples)
            return self.forward(inputs if features is None else features.replace(inputs))

        return WindowScorer(self.pipeline, forward, self.classes, self.facts.temperature, self._reads_frames,
                            self._reads_audio, lambda: why_not_finite(self.model))

    def _inputs_to_list(self, inputs: Input | Sequence[Input]) -> list[Input]:
        return list_inputs(inputs)

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
        """Score the clips of a batch."""
        return self.model(**self.model.data_preprocessor(inputs, False), mode='predict')

    def visualize(self, inputs: list, preds: Any, show: bool = False) -> list[np.ndarray]:
        """Nothing: see `claip_emo_mm.visualization`."""
        return []

    def postprocess(self, preds: list[EmotionResult], visualization: list[np.ndarray],
                    return_datasample: bool = False) -> dict[str, Any]:
        """Pack results as MMEngine's inferencers do; see `__call__`."""
        return dict(predictions=preds if return_datasample else [result.to_dict() for result in preds],
                    visualization=visualization)
