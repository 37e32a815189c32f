"""Recognize the emotion of a clip with NumPy and onnxruntime only: python onnx_inference.py MODEL.onnx CLIP.npz.

CLIP.npz holds `frames` (N, H, W, 3) uint8 RGB, cropped to the face, and `audio` (n,) float32, mono, at the rate of the
model's front end. Audio is truncated to the model's window (10 s).
"""
import json
import sys

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
metadata = session.get_modelmeta().custom_metadata_map
front_end, usage = json.loads(metadata['front_end']), json.loads(metadata['usage'])
frames, audio = (np.load(sys.argv[2])[key] for key in ('frames', 'audio'))


def resize(pixels, axis, size=front_end['ResizeFrames']['size']):  # bilinear and antialiased, as in Pillow
    centers = (np.arange(size)[:, None] + .5) * pixels.shape[axis] / size
    weights = 1 - np.abs(np.arange(pixels.shape[axis]) + .5 - centers) / max(pixels.shape[axis] / size, 1)
    weights = np.maximum(weights, 0) / np.maximum(weights, 0).sum(1, keepdims=True)
    return np.rint(np.moveaxis(np.tensordot(pixels, weights, (axis, 1)), -1, axis))


sampling, views = front_end['SampleFrameViews'], usage['num_clips']
sampled = resize(resize(frames[::sampling['frame_interval']], 2), 1)  # (U, S, S, 3)
sampled = sampled.transpose(0, 3, 1, 2).astype(np.uint8)  # (U, 3, S, S)
spare = max(len(sampled) - sampling['clip_len'], 0)  # the views are evenly spaced, from the first frame to the last
starts = np.arange(views) * spare // (views - 1) if views > 1 else np.array([spare // 2])
index = np.minimum(starts[:, None] + np.arange(sampling['clip_len']), len(sampled) - 1)  # (V, T)
window = round(front_end['LoadAudioWindows']['window_s'] * front_end['LoadAudioWindows']['sample_rate_hz'])
waveform = np.tile(audio[:window], max(window // len(audio), 1))  # repeated while it fits, then padded with zeros
waveform = np.pad(waveform, (0, window - len(waveform)))
scores, _ = session.run(None, dict(frames=sampled, frame_index=index[None], audio_index=np.zeros((1, views), int),
                                   audio=waveform[None]))
for score, name in zip(scores[0], json.loads(metadata['classes']), strict=True):
    print(f'{score:.4f} {name}')
