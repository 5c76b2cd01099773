//! The measures that were added for citing: unequal transport, Sinkhorn, coverage, the two-sided divergences.
use ndarray::Array2;
use ratioflow::cloud::Cloud;
use ratioflow::metric::*;

fn first(n: usize) -> Cloud {
    Array2::from_shape_fn((n, 2), |(i, axis)| {
        let i = i as f64;
        if axis == 0 { (1.3 * i).sin() } else { (0.7 * i * i).cos() }
    })
}

fn second(n: usize) -> Cloud {
    Array2::from_shape_fn((n, 2), |(i, axis)| {
        let i = i as f64;
        if axis == 0 { 0.8 * (2.1 * i).cos() + 0.3 } else { (0.9 * i * i).sin() - 0.2 }
    })
}

#[test]
fn timing() {
    for (n, m) in [(200, 230), (300, 300), (1000, 1000), (1000, 999), (2000, 2000), (2000, 1500), (4000,3999)] {
        let (x, y) = (first(n), second(m));
        let t = std::time::Instant::now();
        let c = Coupling::new(x.view(), None, y.view(), None).unwrap();
        println!("{n} {m} {} gap {:e} {:?}", c.value, c.gap, t.elapsed());
        if n == m {
            let t = std::time::Instant::now();
            let e = ExactW2::new(y.view()).unwrap().solve(x.view(), None).unwrap();
            println!("   assignment {} {:?}", e.value, t.elapsed());
        }
        let eps = Sinkhorn::epsilon_for(y.view());
        let t = std::time::Instant::now();
        let s = Sinkhorn::new(y.view(), eps);
        let r = s.read(x.view());
        println!("   sinkhorn {r:?} {:?}", t.elapsed());
    }
}
