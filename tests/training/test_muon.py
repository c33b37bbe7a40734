import torch

from graphics_ml.training.muon import MuonWithAdamW, orthogonal


def test_a_matrix_is_made_nearly_orthogonal_along_its_own_singular_directions():
    torch.manual_seed(0)
    for shape in ((20, 50), (50, 20)):
        matrix = torch.randn(shape)
        left, _, right = torch.linalg.svd(matrix, full_matrices=False)
        found = orthogonal(matrix)
        assert torch.linalg.matrix_norm(found - left @ right, 2) < 0.35
        sizes = torch.linalg.svdvals(found)
        assert sizes.min() > 0.6
        assert sizes.max() < 1.3


def test_it_steps_as_torchs_own_optimizers_do():
    torch.manual_seed(1)
    start = torch.randn(12, 30), torch.randn(12)
    ours, theirs = ([torch.nn.Parameter(p.clone()) for p in start] for _ in range(2))
    both = MuonWithAdamW([ours[0]], [{"params": [ours[1]], "weight_decay": 0.0}], lr=0.01, weight_decay=0.1)
    muon = torch.optim.Muon([theirs[0]], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.AdamW([theirs[1]], lr=0.01, weight_decay=0.0)
    for _ in range(20):
        for optimizer, (matrix, vector) in (((both,), ours), ((muon, adam), theirs)):
            loss = ((matrix**2).sum() + (matrix @ torch.ones(30) - vector).square().sum()).sqrt()
            for one in optimizer:
                one.zero_grad()
            loss.backward()
            for one in optimizer:
                one.step()
    # torch's iterates in bfloat16.
    assert (ours[0] - theirs[0]).norm() < 0.02 * (start[0] - theirs[0]).norm()
    torch.testing.assert_close(ours[1], theirs[1], atol=2e-3, rtol=0)


def test_a_state_that_was_kept_goes_on_as_if_it_had_not_been_interrupted():
    torch.manual_seed(2)
    start = torch.randn(6, 8)

    def run(steps, state=None, at=start):
        matrix = torch.nn.Parameter(at.clone())
        optimizer = MuonWithAdamW([matrix], [], lr=0.1, weight_decay=0.0)
        if state:
            optimizer.load_state_dict(state)
        for _ in range(steps):
            optimizer.zero_grad()
            (matrix**2).sum().backward()
            optimizer.step()
        return matrix.detach(), optimizer.state_dict()

    whole, _ = run(6)
    half, state = run(3)
    torch.testing.assert_close(run(3, state, half)[0], whole)
