//! A kernel sum at one place.

/// The kernel sum at one place, and where it pulls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KernelSum {
    /// `log Σ_j k_h(x, y_j)`; finite however far away the points are.
    pub log: f64,
    /// Mean shift `m(x) − x`, with `m(x) = Σ_j k_h(x, y_j) y_j / Σ_j k_h(x, y_j)`. It equals
    /// `h² ∇ log Σ_j k_h(x, y_j)` (Fukunaga and Hostetler, 1975).
    pub shift: [f64; 2],
}

impl KernelSum {
    /// The sum over these points and others.
    pub(super) fn and(self, other: Self) -> Self {
        let log = self.log.max(other.log);
        let [own, its] = [self, other].map(|sum| (sum.log - log).exp());
        let both = own + its;
        Self {
            log: log + both.ln(),
            shift: [0, 1].map(|axis| (own * self.shift[axis] + its * other.shift[axis]) / both),
        }
    }

    /// The sum of no term at all as the smallest positive weight, as [`without_self`](Self::without_self) has it.
    #[must_use]
    pub(crate) fn or_least(mut self) -> Self {
        if self.log == f64::NEG_INFINITY {
            self.log = f64::EPSILON.ln();
        }
        self
    }

    /// The sum without the term of a point that lies at `x` itself, which adds one to the weights and
    /// nothing to the pull. A point with no other in reach keeps the smallest positive weight.
    #[must_use]
    pub fn without_self(self) -> Self {
        let all = self.log.exp();
        let rest = (all - 1.0).max(f64::EPSILON);
        Self {
            log: rest.ln(),
            shift: self.shift.map(|s| s * all / rest),
        }
    }
}
