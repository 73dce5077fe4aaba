//! `zkpov gpu`: the devices that can prove.

use std::time::Instant;

use clap::Subcommand;
use serde_json::{Value, json};
use zkpov_prover::{
    device::DeviceInfo,
    gpu::{self, Rates},
};

use super::{
    backend::GpuArgs,
    failure::Failure,
    output::{Output, bytes, duration, table},
};

/// GPUs that can prove: which there are, whether they compute as the processor does, how fast
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The devices of CUDA and OpenCL drivers on this machine
    ///
    /// A processor behind OpenCL is listed too. It is used only if --device names it.
    List,
    /// Compare every kernel with the processor on random, boundary and skewed inputs
    ///
    /// Exit code 1 if the device computes wrongly, 2 if it cannot be used. The first run compiles the kernels, which takes
    /// a minute or two; they are kept.
    #[command(after_help = "Example:\n  zkpov gpu check --device cuda:0")]
    Check(GpuArgs),
    /// Measure multiplications and transforms on a device, and on the processor beside it
    #[command(after_help = "Example:\n  zkpov gpu bench --log2 20 --json")]
    Bench(Bench),
}

#[derive(Debug, clap::Args)]
struct Bench {
    #[command(flatten)]
    gpu: GpuArgs,

    /// Pairs of a multiplication, and rows of a transform: 2 to this number
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=24))]
    log2: u32,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    match &args.what {
        What::List => list(out),
        What::Check(args) => check(args, out),
        What::Bench(args) => bench(args, out),
    }
}

fn describe(info: &DeviceInfo) -> Value {
    json!({
        "device": info.selector(),
        "name": info.name,
        "driver": info.driver,
        "accelerator": info.is_accelerator,
        "memory": info.memory,
        "largest_allocation": info.largest_allocation,
        "local_memory": info.local_memory,
        "units": info.units,
    })
}

fn list(out: Output) -> Result<(), Failure> {
    let devices = gpu::list();
    let value = json!({ "devices": devices.iter().map(describe).collect::<Vec<_>>() });
    if devices.is_empty() {
        return out.result(&value, "no device: neither a CUDA driver nor an OpenCL platform was found");
    }
    let text: Vec<String> = devices
        .iter()
        .map(|info| {
            let kind = if info.is_accelerator { "" } else { ", a processor" };
            table([
                (info.selector().as_str(), format!("{}{kind}", info.name)),
                ("  driver", info.driver.clone()),
                ("  memory", format!("{}, {} at once", bytes(info.memory), bytes(info.largest_allocation))),
                ("  units", format!("{}, {} shared by a group", info.units, bytes(info.local_memory))),
            ])
        })
        .collect();
    out.result(&value, &text.join("\n"))
}

fn check(args: &GpuArgs, out: Output) -> Result<(), Failure> {
    let start = Instant::now();
    let judged = |error| match error {
        error @ zkpov_prover::device::DeviceError::Wrong { .. } => Failure::refused(error),
        error => Failure::misuse(error),
    };
    let device = args.open(false).map_err(judged)?;
    let opened = start.elapsed();
    device.check().map_err(judged)?;
    let value = json!({
        "result": "correct", "device": describe(device.info()), "seconds_to_open": opened.as_secs_f64(),
        "seconds": start.elapsed().as_secs_f64(),
    });
    let rows = [
        ("device", device.info().to_string()),
        ("fields, curves, sums, transforms", out.good("as the processor computes them")),
        ("opened in", duration(opened)),
        ("checked in", duration(start.elapsed() - opened)),
    ];
    out.result(&value, &table(rows))
}

fn bench(args: &Bench, out: Output) -> Result<(), Failure> {
    let device = args.gpu.open(false)?;
    let measured = device.measure(args.log2)?;
    let seconds = |rates: Rates| {
        json!({
            "g1": rates.g1.as_secs_f64(), "g2": rates.g2.as_secs_f64(), "quotient": rates.quotient.as_secs_f64(),
        })
    };
    let value = json!({
        "device": describe(device.info()), "log2": measured.log_size,
        "products_per_second": measured.products_per_second,
        "seconds": seconds(measured.device), "seconds_on_cpu": seconds(measured.cpu),
    });
    let both = |device, cpu| format!("{}, on the processor {}", duration(device), duration(cpu));
    let (device_rates, cpu) = (measured.device, measured.cpu);
    let rows = [
        ("device", device.info().to_string()),
        ("field multiplications", format!("{:.0} million in a second", measured.products_per_second / 1e6)),
        ("sum in G1", both(device_rates.g1, cpu.g1)),
        ("sum in G2", both(device_rates.g2, cpu.g2)),
        ("six transforms", both(device_rates.quotient, cpu.quotient)),
        ("size", format!("2^{} pairs, rows", measured.log_size)),
    ];
    out.result(&value, &table(rows))
}
