//! Runs a case of layer 0 repeatedly, for measurements of the process from outside: `measured work
//! CASE SERVERS TIMES`, `measured memory native|legacy short|long SERVERS`, `measured heard SERVERS`.
//! `measured cases` lists the cases.

mod cases;
mod cluster;
mod heard;

use std::error::Error;
use std::fs;

use cluster::{NOW, claim_of, machine, seeded, url};
use clustershazbot::protocol::ids::Source;
use clustershazbot::protocol::message::ReceivedEntry;
use clustershazbot::protocol::status::ListKind;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["cases"] => cases::CASES.iter().for_each(|case| println!("{}", case.name)),
        ["work", name, servers, times] => work(name, servers.parse()?, times.parse()?)?,
        ["memory", language, urls, servers] => {
            let url = if urls == "short" { short_url } else { url };
            println!("{}", memory(language == "native", url, servers.parse()?)?);
        }
        ["heard", servers] => {
            let [known, forgotten] = heard::memory(servers.parse()?)?;
            println!("{known} {forgotten}");
        }
        _ => return Err("see the first lines of benches/floor/measured.rs".into()),
    }
    Ok(())
}

/// The first run, which allocates for the others, is additional.
fn work(name: &str, servers: usize, times: usize) -> Result<(), Box<dyn Error>> {
    let case = cases::CASES.iter().find(|case| case.name == name).ok_or("no such case")?;
    let mut work = (case.prepare)(servers)?;
    (0..=times).for_each(|_| work());
    Ok(())
}

/// Returns by how many bytes the process grows for each known server.
fn memory(is_native: bool, url: fn(usize) -> String, servers: usize) -> Result<usize, Box<dyn Error>> {
    let before = resident()?;
    let machine = if is_native {
        seeded((0..servers).map(|index| claim_of(url(index))))?
    } else {
        let mut machine = machine()?;
        for index in 0..servers {
            let base_url = url(index).into();
            let entry = ReceivedEntry { base_url, monitor: false, last_update: NOW.wall.0 as f64 };
            machine.handle_claims(NOW, Source::Request, ListKind::Online, &[entry]);
        }
        machine
    };
    let grown = resident()?.saturating_sub(before);
    Ok(grown / machine.living().saturating_sub(1).max(1))
}

/// A URL as most servers have it.
fn short_url(index: usize) -> String {
    url(index).trim_end_matches("a/path/of/some/length/").to_owned()
}

/// Returns the private memory of this process in bytes; needs Linux.
fn resident() -> Result<usize, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
}
