# Text encoder for the toy model's visual encoder, which stays as it is: python tools/pretrain_toy.py clip_text
_base_ = 'pretrain_toy_clip.py'

model = dict(backbone=dict(pretrained='toy', frozen=True))

train_dataloader = dict(dataset=dict(drawn=dict(identities=1200)))
train_cfg = dict(max_iters=600)
