"""The engine's estimators. Made from the engine's schema by ``make_estimators.py``: do not change it by hand."""

from __future__ import annotations

from typing import Any

from ._estimator import Estimator


class Kde(Estimator):
    """Kernel density ratio, equal bandwidth on both sides, annealed (default).

    adaptive: Whether each sample has a width of its own, narrow where samples are dense (Abramson 1982). The widths of the two sides then
        differ, and with them the blur: the flow has a bias.
    anneal_until: Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    bandwidth: `anneal` (coarse to fine), `loo` (leave-one-out likelihood), `silverman`, or a number in the target's units.
    bandwidth_scale: Factor on the bandwidth that the rule gives; for `anneal` on the final one. `auto`: 1, and 2 for the last cloud that is
        a sample.
    kernel: `gaussian`, `matern`, `laplace` or `inverse-multiquadric` (`imq`). The tails of all but the Gaussian reach across gaps; their
        sums take every pair. The kink of `laplace` holds particles at single samples.
    scales: How many bandwidths at once, 1 to 16: geometrically from the present one to the standard deviation of the target sample. The
        velocity is then the mean of theirs, and D the mean of their log ratios, weighted by the squared bandwidths. What a network follows
        should be smooth over gaps and sharp in the modes at once; particles by themselves need one. `auto`: 5 for a generator whose field
        is fresh, else 1.
    self_term: Whether a particle counts in the density at its own place. Without it the flow never comes to rest.
    tolerance: Largest error of the velocity, in [0, 1], relative to the root mean square velocity, or to 0.001 bandwidths a step where the
        cloud moves more slowly than that. Down to 1e-5 large clouds take a time proportional to their size; below, every pair is summed in
        double precision.
    """

    name = "kde"

    def __init__(self, *, adaptive: Any = False, anneal_until: Any = 0.6, bandwidth: Any = 'anneal', bandwidth_scale: Any = 'auto', kernel: Any = 'gaussian', scales: Any = 'auto', self_term: Any = True, tolerance: Any = 1e-05) -> None:
        self.adaptive = adaptive
        self.anneal_until = anneal_until
        self.bandwidth = bandwidth
        self.bandwidth_scale = bandwidth_scale
        self.kernel = kernel
        self.scales = scales
        self.self_term = self_term
        self.tolerance = tolerance

class Mlp(Estimator):
    """Multilayer perceptron, eleven losses, warm-started; r1 and annealed instance noise as options.

    activation: The function between the layers.
    average: Decay in [0, 1) of a running average of the weights, an optimiser step at a time, which moves the cloud in place of the trained
        ones. 0: none. A field that lags behind the cloud pushes it too far: see scenario `towards-the-average`.
    batch: Samples drawn afresh from each side for every optimiser step.
    betas: Adam's decay rates. The first is small because the problem moves with the cloud.
    clip: The longest displacement of a particle in one step. With noise σ it is at least σ/2.
    decay: The part of the run at its end over which learning rate and step size fall to a tenth; 0: never.
    hidden: Widths of the hidden layers.
    inner_steps: Optimiser steps at each step of the flow.
    learning_rate: Learning rate, or `auto`: what suits optimizer and loss. Halved while the noise is wider than 0.25.
    loss: What the network minimises.
    noise: Gaussian noise on both sides: "off", "anneal" (from wide to narrow over the first 80 % of the run, so that mass can cross gaps),
        or its standard deviation.
    optimizer: How its parameters follow the gradient.
    r1: Weight γ of the penalty `γ/2 E_p ‖∇D‖²` (R1, Mescheder et al. 2018). It evens the field out and damps D a little; 0 where D itself,
        rather than the flow along it, is wanted.
    r2: Weight of the same penalty on the other side, `γ/2 E_q ‖∇D‖²` (R2).
    scales: How many networks, 1 to 16. Of several each has a noise of its own that stays: geometrically from the leave-one-out bandwidth of
        the target sample to its standard deviation σ = 1. The velocity is then the mean of σ²∇D over them, the step ε the mean of σ², and D
        the mean of theirs weighted by σ². What a generator follows should be smooth over gaps and sharp in the modes at once.
    start: Where the weights of a fit begin: with the last fit, or anew. That is so in a flow; `fit` of this object always begins anew.
    step_size: The step size ε that suits the fit, when the flow leaves it to the discriminator. With noise σ it is at least σ²/2.
    warm_up: Optimiser steps of a fit that begins anew, if they are more than `inner_steps`: the first, or each with a cold start.
    """

    name = "mlp"

    def __init__(self, *, activation: Any = 'silu', average: Any = 0.0, batch: Any = 1024, betas: Any = (0.5, 0.99), clip: Any = 0.15, decay: Any = 0.3333333333333333, hidden: Any = (64, 64, 64), inner_steps: Any = 20, learning_rate: Any = 'auto', loss: Any = 'logistic', noise: Any = 'anneal', optimizer: Any = 'adam', r1: Any = 0.05, r2: Any = 0.0, scales: Any = 1, start: Any = 'warm', step_size: Any = 0.05, warm_up: Any = 200) -> None:
        self.activation = activation
        self.average = average
        self.batch = batch
        self.betas = betas
        self.clip = clip
        self.decay = decay
        self.hidden = hidden
        self.inner_steps = inner_steps
        self.learning_rate = learning_rate
        self.loss = loss
        self.noise = noise
        self.optimizer = optimizer
        self.r1 = r1
        self.r2 = r2
        self.scales = scales
        self.start = start
        self.step_size = step_size
        self.warm_up = warm_up

class Oracle(Estimator):
    """Exact density of a Gaussian mixture over the cloud's: moment-matched Gaussian, kde, or left out.

    target: The mixture of Gaussians whose density it knows: the name of a family, or a dict such as a scenario has. Left out in a flow.
    bandwidth: With `cloud = "kde"`: the bandwidth, in the target's units, or `loo`: the one that maximises the leave-one-out likelihood of
        the target sample, and so suits the cloud once it has arrived.
    cloud: What q̂ is.
    """

    name = "oracle"

    def __init__(self, *, target: Any = None, bandwidth: Any = 'loo', cloud: Any = 'gaussian') -> None:
        self.target = target
        self.bandwidth = bandwidth
        self.cloud = cloud

class Logistic(Estimator):
    """Logistic regression on random Fourier features or Nyström centres, damped Newton.

    anneal_until: Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    bandwidth: `anneal` (coarse to fine), `loo` (leave-one-out likelihood), `silverman`, or a number in the target's units.
    bandwidth_scale: Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    count: Number of features, at least 2; for `fourier` rounded up to a multiple of 4.
    features: `fourier`: random waves that the fit begins with from where the last one ended; `nystrom`: bumps centred at points spread out
        over both clouds.
    kernel: `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    lambda_: Weight λ > 0 of the penalty. The smaller, the steeper D may be.
    """

    name = "logistic"

    def __init__(self, *, anneal_until: Any = 0.6, bandwidth: Any = 'anneal', bandwidth_scale: Any = 2.0, count: Any = 256, features: Any = 'fourier', kernel: Any = 'gaussian', lambda_: Any = 0.0001) -> None:
        self.anneal_until = anneal_until
        self.bandwidth = bandwidth
        self.bandwidth_scale = bandwidth_scale
        self.count = count
        self.features = features
        self.kernel = kernel
        self.lambda_ = lambda_

class Ulsif(Estimator):
    """Least-squares fit of the ratio as a sum of kernels (uLSIF), leave-one-out cross-validation.

    anneal_until: Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    bandwidth: `anneal` (coarse to fine), `cv` (cross-validation at each fit), `loo` (leave-one-out likelihood), `silverman`, or a number in
        the target's units.
    bandwidth_scale: Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    centres: Number of kernel centres, at least 1, spread out over the target sample.
    kernel: `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    lambda_: Weight λ > 0 of the penalty, or `cv`: by leave-one-out cross-validation at each fit.
    """

    name = "ulsif"

    def __init__(self, *, anneal_until: Any = 0.6, bandwidth: Any = 'anneal', bandwidth_scale: Any = 1.0, centres: Any = 400, kernel: Any = 'gaussian', lambda_: Any = 'cv') -> None:
        self.anneal_until = anneal_until
        self.bandwidth = bandwidth
        self.bandwidth_scale = bandwidth_scale
        self.centres = centres
        self.kernel = kernel
        self.lambda_ = lambda_

class Rulsif(Estimator):
    """Least-squares fit of the ratio to a mixture of target and cloud (RuLSIF).

    alpha: Share α of the target in the mixture, greater than 0 and at most 0.9.
    anneal_until: Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    bandwidth: `anneal` (coarse to fine), `cv` (cross-validation at each fit), `loo` (leave-one-out likelihood), `silverman`, or a number in
        the target's units.
    bandwidth_scale: Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    centres: Number of kernel centres, at least 1, spread out over the target sample.
    kernel: `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    lambda_: Weight λ > 0 of the penalty, or `cv`: by 5-fold cross-validation at each fit.
    """

    name = "rulsif"

    def __init__(self, *, alpha: Any = 0.1, anneal_until: Any = 0.6, bandwidth: Any = 'anneal', bandwidth_scale: Any = 1.0, centres: Any = 400, kernel: Any = 'gaussian', lambda_: Any = 'cv') -> None:
        self.alpha = alpha
        self.anneal_until = anneal_until
        self.bandwidth = bandwidth
        self.bandwidth_scale = bandwidth_scale
        self.centres = centres
        self.kernel = kernel
        self.lambda_ = lambda_

class Kliep(Estimator):
    """Maximum-likelihood fit of the ratio as a sum of kernels (KLIEP).

    anneal_until: Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    bandwidth: `anneal` (coarse to fine), `cv` (cross-validation at each fit), `loo` (leave-one-out likelihood), `silverman`, or a number in
        the target's units.
    bandwidth_scale: Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    centres: Number of kernel centres, at least 1, spread out over the target sample.
    kernel: `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    """

    name = "kliep"

    def __init__(self, *, anneal_until: Any = 0.6, bandwidth: Any = 'anneal', bandwidth_scale: Any = 1.0, centres: Any = 400, kernel: Any = 'gaussian') -> None:
        self.anneal_until = anneal_until
        self.bandwidth = bandwidth
        self.bandwidth_scale = bandwidth_scale
        self.centres = centres
        self.kernel = kernel

class Kale(Estimator):
    """Witness of a kernel-smoothed Kullback-Leibler divergence (KALE), from its dual.

    anneal_until: Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    bandwidth: `anneal` (coarse to fine), `loo` (leave-one-out likelihood), `silverman`, or a number in the target's units.
    bandwidth_scale: Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    centres: Most target points in the dual, at least 1. A larger target sample is condensed to as many centres, each with the share of the
        samples nearest to it.
    damping: Largest share of Newton's step that is taken, in (0, 1]. The line search of the authors' notebook begins at 0.8, and their
        tolerance is 1e-6.
    kernel: `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    lambda_: Weight λ > 0 of the penalty: towards 0 the witness is the log ratio, for large λ that of the MMD.
    tolerance: A fit ends where the dual lies this far above its minimum, in nats, as half of Newton's decrement tells; with 0 it goes on to
        rounding. A fit begins with the last one's weights, so that a loose one leaves the witness behind the cloud.
    """

    name = "kale"

    def __init__(self, *, anneal_until: Any = 0.6, bandwidth: Any = 'anneal', bandwidth_scale: Any = 1.0, centres: Any = 300, damping: Any = 1.0, kernel: Any = 'gaussian', lambda_: Any = 0.001, tolerance: Any = 0.0) -> None:
        self.anneal_until = anneal_until
        self.bandwidth = bandwidth
        self.bandwidth_scale = bandwidth_scale
        self.centres = centres
        self.damping = damping
        self.kernel = kernel
        self.lambda_ = lambda_
        self.tolerance = tolerance

class Linear(Estimator):
    """Linear D by gradient steps, one player of the smallest GAN: brings the mean home, and nothing else.

    inner_steps: Steps at each fit, which goes on where the last one ended.
    learning_rate: Rate of the steps, in standardised units.
    loss: What w and b minimise.
    r1: Weight γ of the penalty `γ/2 ‖w‖²`, which is that of R1 (Mescheder et al. 2018), in standardised units.
    step_size: The step size ε that suits the fit, in standardised units, when the flow leaves it to the discriminator.
    """

    name = "linear"

    def __init__(self, *, inner_steps: Any = 20, learning_rate: Any = 0.2, loss: Any = 'logistic', r1: Any = 0.0, step_size: Any = 0.1) -> None:
        self.inner_steps = inner_steps
        self.learning_rate = learning_rate
        self.loss = loss
        self.r1 = r1
        self.step_size = step_size

class Moments(Estimator):
    """Ratio of two moment-matched Gaussians: brings mean and covariance home, and nothing else.
    """

    name = "moments"

    def __init__(self) -> None:
        pass

class Mmd(Estimator):
    """Witness of the maximum mean discrepancy: a comparator, no log ratio.

    anneal_until: Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    bandwidth: `anneal` (coarse to fine), `loo` (leave-one-out likelihood), `silverman`, or a number in the target's units.
    bandwidth_scale: Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    kernel: `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    """

    name = "mmd"
    is_log_ratio = False

    def __init__(self, *, anneal_until: Any = 0.6, bandwidth: Any = 'anneal', bandwidth_scale: Any = 1.0, kernel: Any = 'gaussian') -> None:
        self.anneal_until = anneal_until
        self.bandwidth = bandwidth
        self.bandwidth_scale = bandwidth_scale
        self.kernel = kernel

class Drmmd(Estimator):
    """Witness of the de-regularised MMD, λ fixed or adaptive: no log ratio.

    anneal_until: Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    bandwidth: `anneal` (coarse to fine), `loo` (leave-one-out likelihood), `silverman`, or a number in the target's units.
    bandwidth_scale: Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    centres: Number of points that the covariance of the target is condensed to; with as many as samples it is exact.
    kernel: `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    lambda_: λ, from 1e-9 to 1e6; `adaptive`: the squared MMD between cloud and target with the present kernel, from 1e-4 to 1, so that it
        falls as they meet.
    """

    name = "drmmd"
    is_log_ratio = False

    def __init__(self, *, anneal_until: Any = 0.6, bandwidth: Any = 'anneal', bandwidth_scale: Any = 1.0, centres: Any = 400, kernel: Any = 'gaussian', lambda_: Any = 'adaptive') -> None:
        self.anneal_until = anneal_until
        self.bandwidth = bandwidth
        self.bandwidth_scale = bandwidth_scale
        self.centres = centres
        self.kernel = kernel
        self.lambda_ = lambda_

class Sinkhorn(Estimator):
    """Flow of the debiased Sinkhorn divergence, from warm potentials: no log ratio.

    anneal_until: Part of the run, in (0, 1], over which `epsilon = "anneal"` shrinks; constant afterwards.
    epsilon: Regularisation ε, a squared length of the target; `share`: `epsilon_share` times the mean variance of a coordinate of the
        target; `anneal`: the square of the bandwidth that `kde` has.
    epsilon_share: The share of the target's variance, for `epsilon = "share"`.
    independent_self: Whether the self term is between two halves of the cloud, drawn afresh at each fit, so that no particle pushes itself
        (as with a second batch of a generator), or between the cloud and itself.
    iterations: Updates of the potentials at each fit, 1 to 10000; they go on from the last fit.
    """

    name = "sinkhorn"
    is_log_ratio = False

    def __init__(self, *, anneal_until: Any = 0.6, epsilon: Any = 'anneal', epsilon_share: Any = 0.01, independent_self: Any = False, iterations: Any = 5) -> None:
        self.anneal_until = anneal_until
        self.epsilon = epsilon
        self.epsilon_share = epsilon_share
        self.independent_self = independent_self
        self.iterations = iterations

class Sliced(Estimator):
    """Sliced transport map, or the witness of the energy distance, by sorting: no log ratio.

    directions: Number of lines, 2 to 10000: at equal angles, turned by chance at each fit.
    field: `transport` (the sliced W2) or `energy`.
    """

    name = "sliced"
    is_log_ratio = False

    def __init__(self, *, directions: Any = 64, field: Any = 'transport') -> None:
        self.directions = directions
        self.field = field

class Score(Estimator):
    """Difference of two scores, learned by denoising at a shrinking noise: no gradient, no log ratio.

    What it gives is a velocity: `evaluate` gives it in place of the gradient, and a D that is 0 everywhere.

    activation: The function between the layers.
    batch: Samples drawn afresh from a side for every optimiser step.
    betas: Adam's decay rates.
    hidden: Widths of the hidden layers of either network.
    inner_steps: Optimiser steps of either network at each step of the flow.
    learning_rate: Learning rate of Adam.
    noise: Standard deviation σ of the noise; `auto`: from 2 down to 0.1 in equal ratios over the first 80 % of the run, then constant.
    warm_up: Optimiser steps before the first step of the flow, if they are more than `inner_steps`.
    """

    name = "score"
    is_log_ratio = False

    def __init__(self, *, activation: Any = 'silu', batch: Any = 1024, betas: Any = (0.5, 0.99), hidden: Any = (64, 64, 64), inner_steps: Any = 20, learning_rate: Any = 0.004, noise: Any = 'auto', warm_up: Any = 200) -> None:
        self.activation = activation
        self.batch = batch
        self.betas = betas
        self.hidden = hidden
        self.inner_steps = inner_steps
        self.learning_rate = learning_rate
        self.noise = noise
        self.warm_up = warm_up

class Drift(Estimator):
    """Drift field of a normalised kernel matrix (drifting models): no gradient, no log ratio.

    What it gives is a velocity: `evaluate` gives it in place of the gradient, and a D that is 0 everywhere.

    anneal_until: Part of the run, in (0, 1], over which `temperatures = "auto"` shrinks; constant afterwards.
    batch: `full`, or how many samples of the target and of the cloud are drawn afresh at each fit.
    iterations: Iterations of `sinkhorn`, 1 to 1000; one is `bi`.
    kernel: `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    mask_self: Whether a particle is left out of what drives it off.
    normalisation: What makes A of K: `none` (A = K, and no factor P Q), `row` (softmax over a row), `bi` (the geometric mean of the softmax
        over rows and over columns), or `sinkhorn` (both halves of that step, `iterations` times).
    scales: How many temperatures at once, 1 to 16, if they are `auto`: geometrically from the present one to the standard deviation of the
        target sample. `auto`: 5 for a generator whose field is fresh, else 1.
    temperatures: Temperatures τ of the kernel in the target's units, one or several, of which the field is the mean; `auto`: annealed as
        the bandwidth of `kde` is.
    """

    name = "drift"
    is_log_ratio = False

    def __init__(self, *, anneal_until: Any = 0.6, batch: Any = 'full', iterations: Any = 3, kernel: Any = 'laplace', mask_self: Any = True, normalisation: Any = 'bi', scales: Any = 'auto', temperatures: Any = 'auto') -> None:
        self.anneal_until = anneal_until
        self.batch = batch
        self.iterations = iterations
        self.kernel = kernel
        self.mask_self = mask_self
        self.normalisation = normalisation
        self.scales = scales
        self.temperatures = temperatures

class Wasserstein(Estimator):
    """Gradient-penalised critic (WGAN-GP), for comparison: its D is no log ratio.

    activation: The function between the layers.
    batch: Samples drawn afresh from each side for every optimiser step, and points between them.
    betas: Adam's decay rates.
    hidden: Widths of the hidden layers.
    inner_steps: Optimiser steps at each step of the flow.
    learning_rate: Learning rate of Adam.
    penalty: Weight λ of the gradient penalty, in standardised units.
    stride: How far a particle at unit speed goes in the first step, in standard deviations of the target. It falls in proportion to what is
        left of the run, down to a hundredth.
    warm_up: Optimiser steps before the first step of the flow, if they are more than `inner_steps`.
    """

    name = "wasserstein"
    is_log_ratio = False

    def __init__(self, *, activation: Any = 'silu', batch: Any = 512, betas: Any = (0.5, 0.99), hidden: Any = (64, 64, 64), inner_steps: Any = 20, learning_rate: Any = 0.002, penalty: Any = 1.0, stride: Any = 0.05, warm_up: Any = 200) -> None:
        self.activation = activation
        self.batch = batch
        self.betas = betas
        self.hidden = hidden
        self.inner_steps = inner_steps
        self.learning_rate = learning_rate
        self.penalty = penalty
        self.stride = stride
        self.warm_up = warm_up

ALL: tuple[type[Estimator], ...] = (Kde, Mlp, Oracle, Logistic, Ulsif, Rulsif, Kliep, Kale, Linear, Moments, Mmd, Drmmd, Sinkhorn, Sliced, Score, Drift, Wasserstein)
