"""Layers: split attention, LoRA, views and missing modalities, CPU kernels."""
