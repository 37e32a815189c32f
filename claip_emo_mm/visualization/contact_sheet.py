"""Contact sheets of clips after the whole pipeline: the frames and spectrograms that the model reads."""
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import SKIP_REASON, clip_name, is_skipped, media_name, top_label
from claip_emo_mm.utils.io import check_writable
from claip_emo_mm.visualization.plots import write_figure

if TYPE_CHECKING:
    from mmaction.structures import ActionDataSample
    from mmengine.dataset import BaseDataset
    from torch import Tensor

_COLUMNS = 8
_WIDTH, _FRAME_ROW, _SPECTROGRAM = 12., 1.6, 1.8  # inches


def write_contact_sheets(dataset: 'BaseDataset', out: Path, count: int, overwrite: bool = False) -> list[Path]:
    """Write a png file for each of some clips, evenly spread over a data set, with a progress bar.

    Args:
        dataset: yields packed samples.
        out: folder.
        count: clips at most.
        overwrite: whether existing sheets may be replaced.
    Returns: the files, named by number, class and clip.
    Raises:
        InputError: a sheet is there already, a clip cannot be read, or the folder cannot be written.
    """
    check_writable(out, is_folder=True)
    classes = dataset.metainfo['classes']
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int))
    sheets = {int(index): out / _file_name(dataset, int(index), classes) for index in chosen}
    existing = [path for path in sheets.values() if path.exists()]
    if existing and not overwrite:
        raise InputError(f'{existing[0]}: is there already ({len(existing)} of {len(sheets)} sheets are). Choose '
                         'another folder with --out, or say --overwrite.')
    for index, path in tqdm(sheets.items(), unit='clip', desc='sheets', mininterval=.5):
        sample = dataset[index]
        if is_skipped(sample['data_samples']):
            raise InputError(sample['data_samples'].get(SKIP_REASON))
        write_figure(path, make_contact_sheet(sample['inputs'], sample['data_samples'], classes), dpi=80)
    return list(sheets.values())


def make_contact_sheet(inputs: 'dict[str, Tensor]', data_sample: 'ActionDataSample', classes: Sequence[str]) -> Figure:
    """Plot the views of a clip: the frames in order, and the spectrogram of each view.

    Args:
        inputs: of a packed sample: ``frames`` (U, 3, H, W) uint8 with ``frame_index`` (V, T), ``mel`` (A, 1, M, F) with
            ``audio_index`` (V,); either pair may be missing, or its tensor empty.
        data_sample: with the label and the metadata of the clip.
        classes: K names.
    """
    from torchvision.utils import make_grid  # with all of torchvision
    frames = inputs['frames'][inputs['frame_index']] if len(inputs.get('frames', ())) else None  # (V, T, 3, H, W)
    mel = inputs['mel'][inputs['audio_index'], 0] if len(inputs.get('mel', ())) else None  # (V, M, F)
    views = len(mel if frames is None else frames)
    heights = [] if frames is None else [_FRAME_ROW * -(-frames.shape[1] // _COLUMNS)]
    if mel is not None:
        heights.append(_SPECTROGRAM)
    figure = Figure(figsize=(_WIDTH, .6 + views * (sum(heights) + .3)), layout='constrained')
    figure.suptitle(_title(data_sample, classes), fontsize=10)
    axes = figure.subplots(views * len(heights), 1, height_ratios=heights * views, squeeze=False)[:, 0]
    for view in range(views):
        rows = list(axes[view * len(heights):(view + 1) * len(heights)])
        rows[0].set_title(f'view {view + 1} of {views}', fontsize=8, loc='left')
        if frames is not None:
            axis = rows.pop(0)
            axis.imshow(make_grid(frames[view], _COLUMNS, padding=0, pad_value=255).permute(1, 2, 0).numpy())
            axis.set_axis_off()
        if mel is not None:
            rows[0].imshow(mel[view].T.numpy(), origin='lower', aspect='auto', interpolation='nearest')
            rows[0].set_xlabel('frame', fontsize=7)
            rows[0].set_ylabel('mel bin', fontsize=7)
            rows[0].tick_params(labelsize=7)
    return figure


def _title(data_sample: 'ActionDataSample', classes: Sequence[str]) -> str:
    label = classes[top_label(data_sample)] if 'gt_label' in data_sample else 'no label'
    metadata = f'{data_sample.get("total_frames")} frames' + (', no audio' if data_sample.get('audio_missing') else '')
    return f'{label}   {clip_name(data_sample)}   ({metadata})'


def _file_name(dataset: 'BaseDataset', index: int, classes: Sequence[str]) -> str:
    info = dataset.get_data_info(index)
    return f'{index:05d}_{classes[info["label"]]}_{Path(media_name(info)).stem}.png'
