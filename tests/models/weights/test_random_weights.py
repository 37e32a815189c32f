from claip_emo_mm.models.weights.resolve import with_random_weights


def test_every_file_of_weights_is_gone_and_nothing_else() -> None:
    network = dict(type='A', pretrained='file.pth', init_cfg=dict(type='Pretrained', checkpoint='http://x'))
    other = dict(type='B', init_cfg=dict(type='Normal', layer='Linear'), sizes=(1, 2))
    cfg = dict(type='M', visual_backbone=dict(backbone=network, lora=None), heads=[other], clip_pretrained=True)
    found = with_random_weights(cfg)
    assert found == dict(type='M', visual_backbone=dict(backbone=dict(type='A', pretrained=None), lora=None),
                         heads=[other], clip_pretrained=False)
    assert network['pretrained'] == 'file.pth'  # the given one stays
