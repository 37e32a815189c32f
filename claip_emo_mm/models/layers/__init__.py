"""Layers: attention, LoRA, missing modalities, views, CPU kernels."""
