"""Normal equations of a clip: unknowns of each frame, tied to those of the next two, and a few shared by all frames.

The frames' part of the matrix is block-banded, so its Cholesky factor costs time in proportion to the number of frames;
the shared unknowns are eliminated around it (the Schur complement of a bordered matrix: Golub and Van Loan, "Matrix
Computations", 2013, sections 3.4.1 and 4.3).
"""

import numpy as np
from scipy.linalg import solveh_banded


class NormalEquations:
    """J^T J and J^T r of F frames with D unknowns each and S shared ones, gathered term by term.

    Unknowns of frames f and f + 1 may be tied to each other in any way, those of f and f + 2 one to one. `cost` is half
    the sum of the squares, against which gradients are checked.
    """

    def __init__(self, frames: int, unknowns: int, shared: int = 0):
        self.frames, self.unknowns, self.shared = frames, unknowns, shared
        self.blocks = np.zeros((frames, unknowns, unknowns))
        self.next = np.zeros((max(frames - 1, 0), unknowns, unknowns))  # rows of frame f + 1, columns of frame f
        self.after_next = np.zeros((max(frames - 2, 0), unknowns))
        self.within = np.zeros((frames, unknowns))  # of the diagonal, what ties no frames together
        self.gradient = np.zeros((frames, unknowns))
        self.border = np.zeros((frames, unknowns, shared))
        self.corner = np.zeros((shared, shared))
        self.shared_gradient = np.zeros(shared)
        self.cost = 0.0

    def add(self, residuals: np.ndarray, jacobian: np.ndarray) -> None:
        """Residuals (F, M) of each frame alone; jacobian (F, M, D + S), or (F, M, D) where nothing shared matters."""
        d = self.unknowns
        whole = np.matmul(jacobian.transpose(0, 2, 1), jacobian)
        slope = np.matmul(jacobian.transpose(0, 2, 1), residuals[:, :, None])[..., 0]
        self.blocks += whole[:, :d, :d]
        self.within += np.einsum("fdd->fd", whole[:, :d, :d])
        self.gradient += slope[:, :d]
        if jacobian.shape[2] > d:
            self.border += whole[:, :d, d:]
            self.corner += whole[:, d:, d:].sum(axis=0)
            self.shared_gradient += slope[:, d:].sum(axis=0)
        self.cost += 0.5 * float(np.sum(residuals**2))

    def add_each(self, residuals: np.ndarray, slopes: np.ndarray) -> None:
        """Residuals (F, D), each with its derivative (F, D) by its own unknown."""
        self._diagonal()[:] += slopes**2
        self.within += slopes**2
        self.gradient += slopes * residuals
        self.cost += 0.5 * float(np.sum(residuals**2))

    def add_shared(self, residuals: np.ndarray, jacobian: np.ndarray) -> None:
        """Residuals (M,) of the shared unknowns alone; jacobian (M, S)."""
        self.corner += jacobian.T @ jacobian
        self.shared_gradient += jacobian.T @ residuals
        self.cost += 0.5 * float(np.sum(residuals**2))

    def add_pairs(self, residuals: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
        """Residuals (F - 1, M) of neighbours, with their derivatives (F - 1, M, D) by the earlier and the later."""
        a, b = first.transpose(0, 2, 1), second.transpose(0, 2, 1)
        self.blocks[:-1] += a @ first
        self.blocks[1:] += b @ second
        self.next += b @ first
        self.gradient[:-1] += np.matmul(a, residuals[..., None])[..., 0]
        self.gradient[1:] += np.matmul(b, residuals[..., None])[..., 0]
        self.cost += 0.5 * float(np.sum(residuals**2))

    def add_second_differences(self, differences: np.ndarray, weights: np.ndarray) -> None:
        """Residuals weights * differences (F - 2, D), where a difference is x[f] - 2 x[f + 1] + x[f + 2]."""
        if self.frames < 3:
            return
        square = weights**2
        diagonal = self._diagonal()
        diagonal[:-2] += square
        diagonal[1:-1] += 4 * square
        diagonal[2:] += square
        beside = np.einsum("fdd->fd", self.next)
        beside[:-1] -= 2 * square
        beside[1:] -= 2 * square
        self.after_next += square
        slope = square * differences
        self.gradient[:-2] += slope
        self.gradient[1:-1] -= 2 * slope
        self.gradient[2:] += slope
        self.cost += 0.5 * float(np.sum(slope * differences))

    def add_differences(self, differences: np.ndarray, weights: np.ndarray) -> None:
        """Residuals weights * differences (F - 1, D), where a difference is x[f + 1] - x[f]."""
        square = weights**2
        diagonal = self._diagonal()
        diagonal[:-1] += square
        diagonal[1:] += square
        np.einsum("fdd->fd", self.next)[:] -= square
        slope = square * differences
        self.gradient[:-1] -= slope
        self.gradient[1:] += slope
        self.cost += 0.5 * float(np.sum(slope * differences))

    def solve(self, damping: float = 0.0, held: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The step that minimises the squares: (F, D) and (S,).

        Args:
            damping: this part of the diagonal is added to it (Marquardt 1963), leaving out what ties frames together:
                that grows with the third power of the frame rate, and would hold slow changes back.
            held: (F,) bool, frames that must not move.
        """
        frames, d = self.frames, self.unknowns
        blocks = self.blocks.copy()
        diagonal = np.einsum("fdd->fd", blocks)
        diagonal += damping * self.within + 1e-9 * diagonal + 1e-9
        if held is not None:
            diagonal[held] += 1e12
        band = np.zeros((2 * d + 1, frames, d))
        row, column = np.tril_indices(d)
        band[row - column, :, column] = blocks[:, row, column].T
        row, column = (index.ravel() for index in np.indices((d, d)))
        band[d + row - column, :-1, column] += self.next[:, row, column].T
        band[2 * d, :-2] += self.after_next
        right = np.concatenate((self.gradient[..., None], self.border), axis=2).reshape(frames * d, 1 + self.shared)
        solved = solveh_banded(
            band.reshape(2 * d + 1, -1), right, lower=True, overwrite_ab=True, overwrite_b=True, check_finite=False
        )
        if not self.shared:
            return -solved.reshape(frames, d), np.zeros(0)
        border = self.border.reshape(frames * d, self.shared)
        corner = self.corner - border.T @ solved[:, 1:]
        corner[np.diag_indices(self.shared)] += damping * np.diag(self.corner) + 1e-12
        shared = -np.linalg.solve(corner, self.shared_gradient - border.T @ solved[:, 0])
        return -(solved[:, 0] + solved[:, 1:] @ shared).reshape(frames, d), shared

    def _diagonal(self):
        return np.einsum("fdd->fd", self.blocks)
