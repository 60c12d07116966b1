//! How much better two shares explain what was seen than one does, and how sure a share is.
//!
//! Refused and other requests are sampled each at their own rate. Odds ratios do not mind, so likelihoods are taken of the
//! rows as they are; only what is told to people is put back to the size of the log.

/// Rows inside a subset and of all, refused and in total.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) inside_refused: f64,
    pub(crate) inside: f64,
    pub(crate) refused: f64,
    pub(crate) all: f64,
}

impl Table {
    /// By how much (natural logarithm) the subset's own share explains more than one share for all; zero where the subset
    /// is refused less than the rest.
    pub(crate) fn gain(&self) -> f64 {
        let outside_refused = self.refused - self.inside_refused;
        let outside = self.all - self.inside;
        if self.inside_refused * outside <= outside_refused * self.inside {
            return 0.0;
        }
        of_share(self.inside_refused, self.inside) + of_share(outside_refused, outside)
            - of_share(self.refused, self.all)
    }
}

/// The logarithm of the likelihood of `refused` among `all` at their own share.
pub(crate) fn of_share(refused: f64, all: f64) -> f64 {
    let part = |count: f64| if count > 0.0 { count * (count / all).ln() } else { 0.0 };
    if all <= 0.0 { 0.0 } else { part(refused) + part(all - refused) }
}

/// A share with the interval in which it is with 95 % (Wilson's, or that of the odds where lines were sampled).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    pub(crate) refused: f64,
    pub(crate) all: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

const Z: f64 = 1.959_964;

impl Share {
    /// The share of `refused` rows beside `others`, each of which stands for so many lines.
    pub(crate) fn of(refused: f64, others: f64, weights: [f64; 2]) -> Self {
        let [other_weight, refused_weight] = weights;
        let (lines_refused, lines) =
            (refused * refused_weight, refused * refused_weight + others * other_weight);
        let (low, high) = if weights == [1.0, 1.0] {
            wilson(refused, refused + others)
        } else {
            let odds = ((refused + 0.5) * refused_weight / ((others + 0.5) * other_weight)).ln();
            let wide = Z * (1.0 / (refused + 0.5) + 1.0 / (others + 0.5)).sqrt();
            (logistic(odds - wide), logistic(odds + wide))
        };
        Self { refused: lines_refused, all: lines, low, high }
    }

    pub(crate) fn share(&self) -> f64 {
        if self.all > 0.0 { self.refused / self.all } else { 0.0 }
    }
}

fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

fn wilson(refused: f64, all: f64) -> (f64, f64) {
    if all <= 0.0 {
        return (0.0, 1.0);
    }
    let share = refused / all;
    let square = Z * Z;
    let middle = (share + square / (2.0 * all)) / (1.0 + square / all);
    let wide = Z / (1.0 + square / all) * (share * (1.0 - share) / all + square / (4.0 * all * all)).sqrt();
    ((middle - wide).max(0.0), (middle + wide).min(1.0))
}

/// The logarithm of the number of ways to choose some of many: what naming a set costs.
pub(crate) fn ln_choose(many: f64, some: f64) -> f64 {
    if some <= 0.0 || some >= many {
        return 0.0;
    }
    // Stirling's, which is close enough for a price.
    let factorial =
        |n: f64| if n < 1.5 { 0.0 } else { n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() };
    factorial(many) - factorial(some) - factorial(many - some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subset_that_is_refused_more_explains_more() {
        let table = |inside_refused, inside| Table { inside_refused, inside, refused: 100.0, all: 10_000.0 };
        assert!(table(95.0, 100.0).gain() > table(95.0, 1_000.0).gain());
        assert_eq!(table(1.0, 1_000.0).gain(), 0.0);
        assert!(table(10.0, 1_000.0).gain().abs() < 1e-6);
    }

    #[test]
    fn wilson_is_what_the_books_say() {
        let share = Share::of(8.0, 2.0, [1.0, 1.0]);
        assert!((share.low - 0.4902).abs() < 1e-3 && (share.high - 0.9433).abs() < 1e-3, "{share:?}");
        let none = Share::of(0.0, 100.0, [1.0, 1.0]);
        assert!(none.low == 0.0 && (none.high - 0.0370).abs() < 1e-3, "{none:?}");
    }

    #[test]
    fn a_sampled_share_is_put_back_to_size() {
        let share = Share::of(500.0, 500.0, [64.0, 1.0]);
        assert!((share.share() - 500.0 / 32_500.0).abs() < 1e-9);
        assert!(share.low < share.share() && share.share() < share.high);
    }

    #[test]
    fn choosing_costs_what_it_costs() {
        assert!((ln_choose(100.0, 1.0) - 100f64.ln()).abs() < 0.1);
        assert!((ln_choose(50.0, 25.0) - 32.47).abs() < 0.1);
    }
}
