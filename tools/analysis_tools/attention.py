"""Plot the attention of a model: python tools/analysis_tools/attention.py CHECKPOINT VIDEO ... --out DIR."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli.arguments import add_cfg_options, add_device, output_folder
from claip_emo_cli.choices import FACES

_LONGEST_WINDOW_S = 60.


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Plot a window of each video, with the face cropped as in tools/infer.py: the '
                                        'attention of the class token to each patch (rollout through all blocks of the '
                                        'visual encoder), and how the temporal Transformer weighs the frames.')
    parser.add_argument('checkpoint', help='checkpoint of a training, or a published one')
    parser.add_argument('videos', nargs='+', metavar='VIDEO', help='video file')
    parser.add_argument('--out', type=output_folder, required=True, metavar='DIR', help='folder for the png files')
    parser.add_argument('--face', choices=[face for face in FACES if face != 'all'], default='largest',
                        help='crop the largest face, or take the whole frame (default: %(default)s)')
    parser.add_argument('--start-s', type=float, default=0., help='start of the window (default: %(default)g)')
    parser.add_argument('--window-s', type=float, default=4., help='its length (default: %(default)g)')
    add_device(parser)
    add_cfg_options(parser, "change keys of the checkpoint's config")
    args = parser.parse_args()
    if not (0 < args.window_s <= _LONGEST_WINDOW_S and 0 <= args.start_s < float('inf')):
        parser.error(f'--window-s must be more than 0 and at most {_LONGEST_WINDOW_S:g}, --start-s at least 0')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from torch import Tensor

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.apis.inputs import open_input
from claip_emo_mm.apis.window_clip import WindowClip
from claip_emo_mm.apis.windows import SlidingWindows
from claip_emo_mm.compat.console import log_to_stderr
from claip_emo_mm.datasets.transforms import SampleFrameViews
from claip_emo_mm.engine.checkpoints import load_trained
from claip_emo_mm.engine.cli import run
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.calibration import scale_scores
from claip_emo_mm.faces.detector import FaceDetector, default_detector
from claip_emo_mm.models import CLIPVisualBackbone
from claip_emo_mm.structures import MISSING_INDEX
from claip_emo_mm.utils.file_errors import WriteError
from claip_emo_mm.utils.io import check_writable
from claip_emo_mm.visualization.attention import (
    described_scores,
    frame_attention,
    patch_attention,
    plot_attention,
    record_attention,
)
from claip_emo_mm.visualization.plots import write_figure


def main() -> int:
    args = parse_args()
    log_to_stderr('attention')
    check_writable(args.out, is_folder=True)
    init_default_scope('mmaction')
    trained = load_trained(args.checkpoint, cfg_options=args.cfg_options)
    if not any(isinstance(module, CLIPVisualBackbone) for module in trained.model.modules()):
        raise InputError(f'{args.checkpoint}: the model has no CLIPVisualBackbone (model.type is '
                         f'{type(trained.model).__name__}). Attention is plotted for models with this visual encoder.')
    infer = EmotionInferencer(trained, args.device)
    detector = None if args.face == 'none' else default_detector()
    failed = 0
    for number, video in enumerate(args.videos, 1):
        path = args.out / f'{number:03d}_{Path(video).stem}.png'  # several folders may have files of one name
        try:
            _plot(infer, _read(video, args, detector), path)
        except WriteError:
            raise
        except InputError as error:  # the other videos are still plotted
            sys.stderr.write(f'error: {error}\n')
            failed += 1
            continue
        sys.stdout.write(f'{path}\n')
    return 1 if failed else 0


def _read(video: str, args: Namespace, detector: FaceDetector | None) -> WindowClip:
    """Read the window that begins at a time, or at last the one before, as `EmotionInferencer` does."""
    windows = SlidingWindows(open_input(video), args.window_s, args.window_s, args.face, detector)
    window = next((window for window in windows if window.end_s > args.start_s), None)
    name = Path(video).name
    if window is None:
        raise InputError(f'{name}: ends at {windows.end_s:.1f} s, before --start-s {args.start_s:g}.')
    view = window.people[0]
    if not view.frames:
        raise InputError(f'{name}: has no frames.')
    if detector is not None and view.person is None:
        sys.stderr.write(f'warning: {name}: {", ".join(view.warnings)}\n')
    return WindowClip(f'{name}, {window.start_s:.1f}-{window.end_s:.1f} s', view.frames, window.samples,
                      window.rate_hz, window.end_s - window.start_s, window.audio_note)


def _plot(infer: EmotionInferencer, clip: WindowClip, path: Path) -> None:
    sample = infer.pipeline(dict(clip=clip))
    inputs, name = sample['inputs'], clip.path
    if isinstance(inputs, Tensor):  # of MMAction2's models: the frames (V*T, 3, H, W) of all views in one row
        steps = infer.pipeline.transforms
        clip_len = next((step.clip_len for step in steps if isinstance(step, SampleFrameViews)), None)
        inputs = dict(frames=inputs, frame_index=torch.arange(len(inputs)).view(-1, clip_len))
    if 'frame_index' in inputs and inputs['frame_index'][0, 0] == MISSING_INDEX:
        raise InputError(f'{name}: has no frames.')
    with torch.inference_mode(), record_attention(infer.model) as noted:
        scores = infer.model.test_step(pseudo_collate([sample]))[0].pred_score.cpu().numpy()
    if infer.facts.temperature is not None:
        scores = scale_scores(scores, infer.facts.temperature)
    if not noted['encoder']:
        raise InputError(f'{name}: the model did not read the frames.')
    index = inputs['frame_index'][0].numpy()  # (T,) of the first view
    looks = patch_attention(noted['encoder'])[index].numpy()
    frames = inputs['frames'].numpy().transpose(0, 2, 3, 1)[index]  # (T, H, W, 3)
    weights = frame_attention(noted['temporal'], inputs['frame_index']).numpy() if noted['temporal'] else None
    write_figure(path, plot_attention(frames, looks, weights,
                                      f'{name}: {described_scores(scores.tolist(), infer.classes)}'))


if __name__ == '__main__':
    run(main)
