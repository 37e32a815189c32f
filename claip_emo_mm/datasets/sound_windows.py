"""Which part of a clip's sound a view hears, and how it fills the audio window: the reference recipe's rules."""
import numpy as np


def window_bounds(span: tuple[float, float], track_samples: int, window_samples: int) -> tuple[int, int]:
    """Choose the samples for a view whose frames cover `span` (fractions) of the track.

    The part that belongs to the frames is taken where it is at least a window long, and from tracks that are longer
    than a window. Otherwise it is the whole track. An empty part of a long track is the window that begins there.

    Returns: first sample, and the one behind the last.
    """
    start, end = (int(fraction * track_samples) for fraction in span)
    if track_samples <= window_samples:
        return 0, track_samples
    if end <= start:
        start = min(start, track_samples - window_samples)
        end = start + window_samples
    return start, end


def fill_window(samples: np.ndarray, window_samples: int) -> np.ndarray:
    """Repeat (n,) samples as often as they fit and pad with zeros; what fills the window already is left as it is.

    Returns: (at least `window_samples`,) float32.
    """
    if len(samples) >= window_samples:
        return samples
    repeated = np.tile(samples, window_samples // len(samples))
    return np.pad(repeated, (0, window_samples - len(repeated)))
