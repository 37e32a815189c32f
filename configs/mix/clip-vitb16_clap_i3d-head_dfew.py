# A classification head of MMAction2, with its dropout, on the features of both modalities.
_base_ = '../claip_emo_vitb16_dfew.py'

model = dict(
    cls_head=dict(
        _delete_=True,
        type='MMActionFusionHead',
        head=dict(type='I3DHead', num_classes=7, in_channels=1536, dropout_ratio=0.5, topk=1, average_clips='prob')))
