"""Layers: attention, LoRA, views and missing modalities, CPU kernels."""
