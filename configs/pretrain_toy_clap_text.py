# Text encoder for the toy model's audio encoder, which stays as it is: python tools/pretrain_toy.py clap_text
_base_ = 'pretrain_toy_clap.py'

model = dict(backbone=dict(pretrained='toy', frozen=True))

train_dataloader = dict(dataset=dict(drawn=dict(identities=300)))
train_cfg = dict(max_iters=400)
