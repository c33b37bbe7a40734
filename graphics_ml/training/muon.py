"""Muon for the matrices between hidden layers, AdamW for all else, as one optimiser with one learning rate.

Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks") steps along the momentum of a
matrix with all its singular values made alike; scaled as Liu et al. 2025 ("Muon is Scalable for LLM Training",
equation 4) do it, its steps are as long as AdamW's, so that one learning rate suits both. The lifter comes as far with
it in two fifths of the time.
"""

import torch

_MOMENTUM, _BETAS, _EPSILON = 0.95, (0.9, 0.999), 1e-8
_AS_ADAMW = 0.2  # root mean square of the entries of AdamW's steps, over the learning rate


class MuonWithAdamW(torch.optim.Optimizer):
    """Args:
    matrices: parameters of two dimensions that Muon trains.
    groups: of other parameters, each {"params": ..., "weight_decay": ...}, that AdamW trains.
    lr: learning rate.
    weight_decay: of the matrices.
    """

    def __init__(self, matrices, groups, lr: float, weight_decay: float):
        first = {"params": list(matrices), "weight_decay": weight_decay, "orthogonal": True}
        super().__init__([first, *groups], {"lr": lr, "weight_decay": weight_decay, "orthogonal": False})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    step = _muon if group["orthogonal"] else _adam
                    parameter.sub_(step(self.state[parameter], parameter.grad), alpha=group["lr"])
        return loss


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Nearly the matrix (M, N) with all its singular values 1, by five steps of a Newton-Schulz iteration with the
    coefficients of Jordan et al. 2024: they end between 0.7 and 1.2, which is near enough."""
    a, b, c = 3.4445, -4.7750, 2.0315
    found = matrix / (matrix.norm() + 1e-7)
    if bfloat16_pays(matrix.device):
        found = found.bfloat16()
    tall = found.shape[0] > found.shape[1]
    found = found.T if tall else found
    for _ in range(5):
        square = found @ found.T
        found = a * found + (b * square + c * square @ square) @ found
    return (found.T if tall else found).to(matrix.dtype)


def bfloat16_pays(device: torch.device) -> bool:
    """Whether products of bfloat16 matrices are quick here, and not slower than those of float32."""
    if device.type != "cpu":
        return True
    return any(getattr(torch.cpu, f"_is_{name}_supported", bool)() for name in ("avx512_bf16", "amx_tile"))


def _muon(state, gradient):
    momentum = state.setdefault("momentum", torch.zeros_like(gradient))
    momentum.lerp_(gradient, 1 - _MOMENTUM)
    return orthogonal(gradient.lerp(momentum, _MOMENTUM)) * (_AS_ADAMW * max(gradient.shape) ** 0.5)


def _adam(state, gradient):
    mean, square = (state.setdefault(name, torch.zeros_like(gradient)) for name in ("mean", "square"))
    steps = state["steps"] = state.get("steps", 0) + 1
    mean.lerp_(gradient, 1 - _BETAS[0])
    square.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
    corrected = (square / (1 - _BETAS[1] ** steps)).sqrt_().add_(_EPSILON)
    return mean / (1 - _BETAS[0] ** steps) / corrected
