import pytest

pytest.importorskip("torch")
import torch

from graphics_ml.images.resnet import STRIDES, Pyramid, ResNet, as_input, folded


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = ResNet((8, 12, 16, 20), (1, 2, 1, 1)).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    network(torch.randn(16, 3, 64, 64))  # gives the norms statistics of their own
    return network.eval()


def test_features_have_the_strides_they_should(network):
    features = network(torch.zeros(2, 3, 96, 64))
    assert [tuple(one.shape) for one in features] == [
        (2, width, 96 // stride, 64 // stride) for width, stride in zip((8, 12, 16, 20), STRIDES, strict=True)
    ]
    assert Pyramid((8, 12, 16, 20), 6, finest=1)(features).shape == (2, 6, 12, 8)


def test_folding_the_norms_changes_nothing(network):
    pictures = torch.randn(2, 3, 64, 64)
    fast = folded(network)
    assert not any(isinstance(one, torch.nn.BatchNorm2d) for one in fast.modules())
    for one, other in zip(network(pictures), fast(pictures), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_a_network_sees_things_moved_by_a_stride_moved_by_a_cell(network):
    picture = torch.zeros(1, 3, 128, 256)
    picture[..., 50:70, 90:120] = 1.0
    moved = picture.roll(32, dims=3)
    for stride, one, other in zip(STRIDES[:2], network(picture)[:2], network(moved)[:2], strict=True):
        cells = 32 // stride
        assert torch.allclose(one[..., 6:-6, 6 : -6 - cells], other[..., 6:-6, 6 + cells : -6], atol=1e-5)


def test_a_wrong_number_of_stages_is_refused():
    with pytest.raises(ValueError, match="4 stages"):
        ResNet((8, 8, 8), (1, 1, 1))


def test_pictures_come_in_with_channels_first():
    pictures = torch.randint(0, 256, (2, 4, 5, 3), dtype=torch.uint8)
    assert as_input(pictures).shape == (2, 3, 4, 5)
    assert float(as_input(pictures)[1, 2, 3, 4]) == pytest.approx((float(pictures[1, 3, 4, 2]) - 127.5) / 64)
