//! Two hundred guests at once, three of ten of which do what guests should not.
#![cfg(unix)]

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use qga_sim::{Guest, Server, ServerHandle, Sim};
use serde_json::json;

mod common;
use common::{Answer, Folder, run, serve};

const GUESTS: usize = 200;

/// What a guest does.
#[derive(Clone, Copy)]
enum Manner {
    Proper,
    /// Accepts, and never answers.
    Silent,
    /// Takes a second before it answers.
    Slow,
    /// Reads the beginning of a request and leaves.
    LeavesEarly,
    /// Answers a sync, then half a command, and leaves.
    LeavesLate,
}

fn manner(number: usize) -> Manner {
    match number % 20 {
        3 | 13 => Manner::Silent,
        5 | 15 => Manner::Slow,
        7 => Manner::LeavesEarly,
        17 => Manner::LeavesLate,
        _ => Manner::Proper,
    }
}

fn guest(number: usize) -> Guest {
    Guest::new().host_name(format!("host-{number}"))
}

/// Starts a guest at an address; a proper one ends with its handle, the others with the test.
fn start(folder: &Folder, number: usize) -> Option<ServerHandle> {
    let name = format!("vm-{number:03}");
    let manner = manner(number);
    if let Manner::Proper = manner {
        return Some(Server::bind(&folder.address_of(&name), guest(number)).unwrap().spawn().unwrap());
    }
    let listener = UnixListener::bind(folder.path().join(name)).unwrap();
    thread::spawn(move || misbehave(manner, number, listener.accept().unwrap().0));
    None
}

fn misbehave(manner: Manner, number: usize, mut stream: UnixStream) {
    match manner {
        Manner::Proper => unreachable!("it has a server"),
        Manner::Silent => {
            // Until the client leaves.
            while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
        }
        Manner::Slow => {
            thread::sleep(Duration::from_secs(1));
            qga_sim::serve(&mut Sim::new(guest(number)), stream);
        }
        Manner::LeavesEarly => stream.read_exact(&mut [0; 5]).unwrap(),
        Manner::LeavesLate => {
            serve(stream, |_| Answer::Cut(b"{\"return\": {\"version\": \"10.".to_vec()));
        }
    }
}

#[test]
fn each_gets_its_own_answer_and_none_delays_another() {
    let folder = Folder::new();
    let _servers: Vec<_> = (0..GUESTS).map(|number| start(&folder, number)).collect();
    let all = folder.path().display().to_string();
    let ran = run(&["--all", &all, "-t", "6", "--json", "info"]);
    assert!(ran.took < Duration::from_secs(20), "{:?}", ran.took);
    let rows = ran.rows(7);
    assert_eq!(rows.len(), GUESTS);
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row["guest"], format!("vm-{number:03}"));
        match manner(number) {
            Manner::Proper | Manner::Slow => {
                assert_eq!(row["result"]["host_name"], format!("host-{number}"), "{row}");
            }
            Manner::Silent => {
                let error = (&row["error"]["kind"], &row["error"]["diagnosis"]);
                assert_eq!(error, (&json!("deadline"), &json!("silent")), "{row}");
            }
            Manner::LeavesEarly | Manner::LeavesLate => {
                let error = (&row["error"]["kind"], &row["error"]["diagnosis"]);
                assert_eq!(error, (&json!("connection"), &json!("lost")), "{row}");
            }
        }
    }
}
