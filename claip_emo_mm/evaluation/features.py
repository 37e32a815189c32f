"""Features of clips, as the head reads them."""
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import check_scores, why_not_finite
from claip_emo_mm.structures import clip_name, is_skipped


class ClipFeatures(NamedTuple):
    """Features of the readable clips of a test split."""

    names: list[str]
    labels: np.ndarray  # (clips,)
    of: dict[str, np.ndarray]  # modality -> (clips, D) float32, means over a clip's views and tokens


@torch.inference_mode()
def collect_features(model: nn.Module, loader: DataLoader) -> ClipFeatures:
    """Encode the readable clips of a test split by an `AudioVisualRecognizer` in evaluation mode."""
    encoded: dict[str, list[torch.Tensor]] = {}
    labels, names = [], []
    for batch in tqdm(loader, unit='batch'):
        data = model.data_preprocessor(batch, training=False)
        readable = [sample for sample in data['data_samples'] if not is_skipped(sample)]
        if not readable:
            continue
        for modality, views in model.extract_feat(data['inputs']).items():  # (B*V, D), or tokens (B*V, N, D)
            of_clip = views.unflatten(0, (len(readable), -1))  # (B, V, ..., D)
            encoded.setdefault(modality, []).append(of_clip.flatten(1, -2).mean(1).float().cpu())
        labels += [int(sample.gt_label) for sample in readable]
        names += [clip_name(sample) for sample in readable]
    if not names:
        raise InputError('Not one clip of the test split could be read: tools/check_data.py CONFIG says why.')
    features = {modality: torch.cat(values).numpy() for modality, values in encoded.items()}
    for modality, values in features.items():
        check_scores(values, modality, why_not_finite(model), names, 'features')
    return ClipFeatures(names, np.array(labels), features)
