# The linear layer starts from sentences on brows, eyes and mouths.
_base_ = ['claip_emo_tiny_toy_linear_probe.py', '../_base_/models/claip_emo_tiny_prompts.py']

model = dict(
    cls_head=dict(
        type='TextInitFusionHead', classes='dfew', arch={{_base_.text_arch}}, pretrained='toy',
        prompts={{_base_.faces}}))
