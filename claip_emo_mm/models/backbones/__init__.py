"""Frozen encoders of CLIP and CLAP, and wrappers for other backbones."""
