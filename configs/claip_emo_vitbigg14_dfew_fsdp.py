# open_clip's ViT-bigG-14, an encoder of 1.8 B parameters, sharded over the GPUs by FSDP:
#   bash tools/dist_train.sh configs/claip_emo_vitbigg14_dfew_fsdp.py 8
# Not in the paper. tools/test.py loads the full model on one process.
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(
    visual_backbone=dict(arch='ViT-bigG-14', pretrained='laion2b_s39b_b160k', checkpoint_blocks=True),
    visual_neck=dict(embed_dims=1664),
    cls_head=dict(visual_channels=1664))

runner_type = 'FlexibleRunner'
strategy = dict(
    type='FSDPStrategy',
    model_wrapper=dict(auto_wrap_policy='vision_block_policy'),  # a block is gathered when it is computed
    state_dict_cfg='full',  # one file, as without sharding
    sync_bn='torch')
# Sharded parameters have lost their shape, which flat_decay_mult reads; the 1-D ones are biases and norms.
optim_wrapper = dict(paramwise_cfg=dict(_delete_=True, norm_decay_mult=0, bias_decay_mult=0))
