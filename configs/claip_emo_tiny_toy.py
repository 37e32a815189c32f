# Both modalities on the toy set, frozen encoders with LoRA adapters.
_base_ = ['_base_/models/claip_emo_tiny.py', '_base_/datasets/toy.py', '_base_/schedules/toy.py', '_base_/runtime.py']
