import pytest
import torch
from mmaction.structures import ActionDataSample

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.views import ModalityDropout

NOTHING = dict(visual=torch.zeros(5, dtype=torch.bool), audio=torch.zeros(5, dtype=torch.bool))
SAMPLED = [.1, .35, .9, .2, .55]


def features() -> dict[str, torch.Tensor]:
    return dict(visual=torch.ones(5, 3), audio=torch.full((5, 2, 4), 2.))  # a vector, and tokens


def kept(given: dict[str, torch.Tensor]) -> dict[str, list[bool]]:
    return {name: [bool(feature.all()) for feature in given[name]] for name in given}


def test_a_clip_loses_its_frames_or_its_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, 'rand', lambda count: torch.tensor(SAMPLED[:count]))
    given = features()
    dropped = ModalityDropout(visual=.3, audio=.3)(given, NOTHING)
    # below 0.3 the frames are lost, from there to 0.6 the audio
    assert kept(dropped) == dict(visual=[False, True, True, False, True], audio=[True, False, True, True, False])
    assert not dropped['visual'][0].any() and not dropped['audio'][4].any()
    assert dropped['audio'][0].eq(2).all() and given['visual'].all()


def test_the_only_modality_of_a_clip_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, 'rand', lambda count: torch.tensor(SAMPLED[:count]))
    lacks = dict(visual=torch.tensor([False, True, False, False, False]),
                 audio=torch.tensor([True, False, False, False, False]))
    dropped = ModalityDropout(visual=.3, audio=.3)(features(), lacks)
    assert kept(dropped) == dict(visual=[True, True, True, False, True], audio=[True, True, True, True, False])


def test_ratios_are_those_asked_for() -> None:
    torch.manual_seed(0)
    none = torch.zeros(20000, dtype=torch.bool)
    dropped = ModalityDropout(visual=.2, audio=.5)(dict(visual=torch.ones(20000, 1), audio=torch.ones(20000, 1)),
                                                   dict(visual=none, audio=none))
    lost = {name: dropped[name][:, 0] == 0 for name in dropped}
    assert lost['visual'].float().mean() == pytest.approx(.2, abs=.015)
    assert lost['audio'].float().mean() == pytest.approx(.5, abs=.015)
    assert not (lost['visual'] & lost['audio']).any()


def test_in_training_alone(build_both, views: dict[str, torch.Tensor]) -> None:
    model = build_both(modality_dropout=dict(audio=1.))
    with torch.no_grad():
        plain, dropped = build_both().extract_feat(views), model.extract_feat(views)
        assert torch.equal(plain['audio'], dropped['audio']) and torch.equal(plain['visual'], dropped['visual'])
    one_view = dict(views, frame_index=views['frame_index'][:, :1], audio_index=views['audio_index'][:, :1])
    model.train()(one_view, [ActionDataSample().set_gt_label(1)] * 2, mode='loss')['loss_cls'].backward()
    gradient = model.cls_head.fc.weight.grad
    assert not gradient[:, :12].any() and gradient[:, 12:].any()  # the audio is the first
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)


def test_bad_ratios(build_both) -> None:
    with pytest.raises(InputError, match='visual is 0.7 and audio 0.4.*not more than 1 together'):
        ModalityDropout(visual=.7, audio=.4)
    with pytest.raises(InputError, match='visual is -0.1'):
        ModalityDropout(visual=-.1)
    with pytest.raises(InputError, match='modality_dropout is for models of both modalities'):
        build_both(modality_dropout=dict(visual=.1), audio_backbone=None, audio_neck=None)
