//! The time of layer 0: `cargo bench --no-default-features`.

mod cases;
mod cluster;

use std::error::Error;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};

const SIZES: [usize; 3] = [100, 1_000, 10_000];

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for case in &cases::CASES {
        let mut group = criterion.benchmark_group(case.name);
        for servers in SIZES {
            let mut work = (case.prepare)(servers)?;
            group.throughput(Throughput::Elements(servers as u64));
            group.bench_function(BenchmarkId::from_parameter(servers), |bencher| bencher.iter(&mut work));
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
