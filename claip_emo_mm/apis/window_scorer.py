"""Scores of windows: each goes through the test pipeline and the model as a clip of its own."""
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmaction.structures import ActionDataSample

from claip_emo_mm.apis.window_clip import WindowClip
from claip_emo_mm.apis.windows import PersonView, Window
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.calibration import scale_scores
from claip_emo_mm.media.audio_signal import mix_down
from claip_emo_mm.media.stream import ArrayStream, MediaStream
from claip_emo_mm.structures import EmotionRow


@dataclass(frozen=True)
class WindowScorer:
    """Scores the people of windows in batches.

    Args:
        pipeline: test pipeline of the model, from a file or a ``clip`` to packed inputs.
        forward: from packed inputs of several clips to their samples with ``pred_score`` (K,).
        classes: K names.
        temperature: by which logits are divided, see `evaluation.calibration`; None for none.
        reads_frames: whether the model reads frames.
        reads_audio: whether the model reads audio.
        why_not_finite: says what may be wrong where scores are not finite.
    """
    pipeline: Callable[[dict], dict]
    forward: Callable[[list[dict]], list[ActionDataSample]]
    classes: Sequence[str]
    temperature: float | None
    reads_frames: bool
    reads_audio: bool
    why_not_finite: Callable[[], str]

    def is_usable(self, window: Window, view: PersonView) -> bool:
        """Whether the window holds anything that the model reads."""
        return bool(self.reads_frames and view.frames or self.reads_audio and window.samples is not None)

    def rows(self, source: MediaStream, batch: Sequence[tuple[Window, PersonView]],
             sample: dict | None = None) -> Iterator[EmotionRow]:
        """Score a batch of windows, or the sample of a whole clip in their place; persons are numbered as there.

        Raises:
            InputError: scores are not finite.
        """
        if not batch:
            return
        samples = [sample] if sample is not None else [
            self._pack(source.name, view.frames, window.samples, window.rate_hz, window.end_s - window.start_s,
                       window.audio_note) for window, view in batch]
        for (window, view), scored in zip(batch, self.forward(samples), strict=True):
            if not scored.pred_score.isfinite().all():
                raise InputError(f'{source.name}: the scores of {window.start_s:.1f}-{window.end_s:.1f} s are not '
                                 f'finite. {self.why_not_finite()}')
            scores = scored.pred_score.tolist()
            if self.temperature is not None:
                scores = scale_scores(np.array(scores), self.temperature).tolist()
            missing = ['no audio'] if self.reads_audio and source.has_audio and window.samples is None else []
            noted = [window.audio_note] if self.reads_audio and window.audio_note else []
            source.warnings += noted
            yield EmotionRow(window.start_s, window.end_s, view.person, view.box,
                             dict(zip(self.classes, scores, strict=True)), view.warnings + missing + noted,
                             view.seen_ratio)

    def whole_clip(self, source: MediaStream, window_s: float) -> dict | None:
        """Read an input that is one window as the test reads it; None where it cannot be."""
        if not source.has_frames or not source.duration_s or source.duration_s > window_s:
            return None
        try:
            if not isinstance(source, ArrayStream):
                return self.pipeline(dict(filename=source.name))
            reads_audio = self.reads_audio and source.has_audio
            samples, note = mix_down(source.channels()) if reads_audio else (None, '')
            return self._pack(source.name, source.frames_array, samples, source.sample_rate_hz or 0, source.duration_s,
                              note)
        except InputError:
            return None

    def _pack(self, name: str, frames: Sequence[np.ndarray], samples: np.ndarray | None, *audio: Any) -> dict:
        return self.pipeline(dict(clip=WindowClip(name, frames if self.reads_frames else [],
                                                  samples if self.reads_audio else None, *audio)))
